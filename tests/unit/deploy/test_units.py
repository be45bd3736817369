from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from unit.agent.telemetry.status_samples import well

from agent.config.model import Http
from agent.telemetry.metrics import Metrics

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "systemd" / "chulian.service"


def load(path):
    """Read a YAML file of deploy/."""
    return YAML(typ="safe").load(DEPLOY / path)


@pytest.fixture
def unit():
    """Read the unit; repeated keys keep every value."""
    keys = {}
    for line in UNIT.read_text("utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            keys.setdefault(key, []).append(value)
    return keys


def test_the_unit_restarts_for_ever_and_is_watched(unit):
    """After any number of failures the agent comes back, and systemd watches its progress."""
    assert unit["Type"] == ["notify"]
    assert unit["WatchdogSec"] == ["30"]
    assert unit["Restart"] == ["always"]
    assert unit["StartLimitIntervalSec"] == ["0"]
    assert unit["ExecStart"] == ["/opt/chulian/bin/chulian run -c /etc/chulian/agent.yaml"]


def test_the_unit_is_a_sandbox(unit):
    """The agent may speak on the network and write its own folder, nothing else."""
    for key in (
        "NoNewPrivileges", "ProtectHome", "PrivateTmp", "ProtectKernelModules", "RestrictSUIDSGID",
        "MemoryDenyWriteExecute", "LockPersonality",
    ):  # fmt: skip
        assert unit[key] == ["yes"], key
    assert unit["ProtectSystem"] == ["strict"]
    assert unit["User"] == ["chulian"]
    assert unit["StateDirectory"] == ["chulian"]
    assert unit["CapabilityBoundingSet"] == [""]
    assert unit["RestrictAddressFamilies"] == ["AF_INET AF_INET6 AF_UNIX"]
    assert "PYTHONSAFEPATH=1" in unit["Environment"][0]
    assert {"MemoryMax", "TasksMax", "SystemCallFilter", "DevicePolicy"} <= set(unit)


def test_the_unit_has_only_keys_systemd_knows(tmp_path):
    """Systemd itself finds nothing to complain about; without it the unit must parse as INI."""
    if shutil.which("systemd-analyze") is None:
        parser = configparser.ConfigParser(strict=False, interpolation=None)
        parser.read_string(UNIT.read_text("utf-8"))
        assert parser.sections() == ["Unit", "Service", "Install"]
        return
    copy = tmp_path / "chulian.service"
    text = UNIT.read_text("utf-8").replace("/opt/chulian/bin/chulian", "/bin/true")
    copy.write_text(text, "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_image_is_small_and_never_root():
    """Two stages, a user of its own, health asked over HTTP at the port of the configuration."""
    lines = (DEPLOY / "docker/Dockerfile").read_text("utf-8").splitlines()
    assert sum(line.startswith("FROM") for line in lines) == 2
    assert "USER chulian" in lines
    health = next(line for line in lines if "/healthz" in line)
    assert f"127.0.0.1:{Http.model_fields['port'].default}/healthz" in health
    copied = [line.split()[1] for line in lines if line.startswith("COPY") and "--from" not in line]
    assert all((ROOT / name).exists() for name in copied)
    kept = (DEPLOY / "docker/Dockerfile.dockerignore").read_text("utf-8").splitlines()
    named = [n for line in lines if line.startswith("COPY") for n in line.split()[1:-1]]
    assert all(f"!{name}" in kept for name in named if not name.startswith(("/", "--")))


def test_compose_exposes_the_page_on_the_box_only():
    """The page is published on 127.0.0.1, services are limited, mounted files exist in the repo."""
    compose = load("docker/compose.yaml")
    assert set(compose["services"]) == {"agent", "mosquitto"}
    assert compose["services"]["agent"]["ports"] == ["127.0.0.1:8642:8642"]
    for service in compose["services"].values():
        assert service["restart"] == "unless-stopped"
        assert service["cap_drop"] == ["ALL"]
        assert service["mem_limit"]
    for volume in compose["services"]["mosquitto"]["volumes"]:
        source = volume.split(":")[0]
        if source.startswith("../"):
            assert (DEPLOY / "docker" / source).exists()


def test_the_scrape_asks_where_the_agent_answers():
    """Port and path of the scrape are those of the configuration."""
    (job,) = load("prometheus/scrape.yaml")["scrape_configs"]
    assert job["metrics_path"] == "/metrics"
    port = Http.model_fields["port"].default
    assert job["static_configs"][0]["targets"] == [f"127.0.0.1:{port}"]


def test_alerts_name_only_metrics_that_exist():
    """Each alert rests on metrics of ours, with labels these metrics have."""
    families = {_name(f): f for f in Metrics(well).collect()}
    used = set()
    for alert in _alerts():
        for name, labels in re.findall(r"(chulian_\w+)(?:{([^}]*)})?", alert["expr"]):
            assert name in families, (alert["alert"], name)
            used.add(name)
            for label in re.findall(r"(\w+)=", labels):
                assert label in families[name].samples[0].labels
    assert len(used) > 10


def test_the_required_alerts_are_there_and_bilingual():
    """Every alert says what is wrong and what to do, in both languages."""
    alerts = {alert["alert"]: alert for alert in _alerts()}
    assert {
        "ChulianDeviceWithoutData", "ChulianBacklogOld", "ChulianBacklogGrowing",
        "ChulianDataDropped", "ChulianDataRejected", "ChulianBrokerAway", "ChulianDiskProblem",
    } <= set(alerts)  # fmt: skip
    for alert in alerts.values():
        notes = alert["annotations"]
        assert set(notes) == {"summary", "summary_zh", "action", "action_zh"}
        assert re.search("[一-鿿]", notes["summary_zh"])
        assert re.search("[一-鿿]", notes["action_zh"])
        assert alert["labels"]["severity"] in {"critical", "warning", "info"}


def _alerts():
    return [rule for group in load("prometheus/alerts.yaml")["groups"] for rule in group["rules"]]


def _name(family):
    return family.name + ("_total" if family.type == "counter" else "")
