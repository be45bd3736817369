"""configs/demo.yaml is what `chulian demo` writes, on its default ports."""

from pathlib import Path

from agent.cli.demo import PAGE_PORT, demo_config, write_config
from simulators.describe import Endpoints, describe

CONFIGS = Path(__file__).parents[4] / "configs"
ENDPOINTS = Endpoints("opc.tcp://127.0.0.1:4840/chulian/simulator", "127.0.0.1", 5020)


def test_the_file_in_the_repository_is_what_the_demo_writes(tmp_path):
    """Somebody who reads configs/demo.yaml reads the configuration that the demo runs."""
    content = demo_config(describe(ENDPOINTS, language="zh"), "mqtt://127.0.0.1:1883", PAGE_PORT)
    write_config(tmp_path / "demo.yaml", content, lang="zh")
    written = {p.relative_to(tmp_path) for p in tmp_path.rglob("*.*")}
    kept = {Path("demo.yaml"), *(p.relative_to(CONFIGS) for p in CONFIGS.glob("points/demo-*.csv"))}
    assert written == kept
    for name in written:
        assert (tmp_path / name).read_bytes() == (CONFIGS / name).read_bytes(), name
