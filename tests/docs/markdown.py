"""The pages of the repository, and what their tests read off them."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
ZH = ".zh-CN.md"
_FENCE = re.compile(r"^\s*```(\w*)\s*$")
_LINK = re.compile(r"(?<!`)!?\[[^\]\n]*\]\(([^)\s]+)\)")
_GENERATED = {".venv", ".peers", "node_modules"}


@dataclass(frozen=True)
class Page:
    """One page, taken apart."""

    path: Path
    headings: tuple[tuple[int, str], ...]
    """Level and text of each."""
    blocks: tuple[tuple[str, str], ...]
    """Language and content of each code block."""
    tables: tuple[tuple[int, int], ...]
    """Rows and columns of each."""
    links: tuple[str, ...]
    """Targets of links and images, outside code."""
    text: str

    @property
    def pair(self):
        """Path of the Chinese page beside an English one."""
        return self.path.with_name(self.path.stem + ZH)

    def blocks_of(self, language):
        """Give the code blocks in one language."""
        return [content for name, content in self.blocks if name == language]


def pages():
    """Give every page of the repository."""
    found = [
        *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "drivers").rglob("*.md"),
        *(ROOT / "tests").rglob("*.md"), *(ROOT / "deploy").rglob("*.md"),
    ]  # fmt: skip
    return sorted(p for p in found if not _GENERATED & set(p.parts))


def paired():
    """Give the English pages that a plant or an integrator reads, which come in two languages."""
    found = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    found += (ROOT / "drivers").rglob("README.md")
    return sorted(p for p in found if not p.name.endswith(ZH))


def name(path):
    """Name a page by its place in the repository, for test ids."""
    return str(path.relative_to(ROOT))


@cache
def read(path):
    """Take a page apart."""
    text = path.read_text("utf-8")
    prose, blocks = _without_code(text)
    headings = re.findall(r"^(#+) +(.*?)\s*$", prose, re.MULTILINE)
    bare = re.sub(r"`[^`\n]*`", "", prose)
    return Page(
        path,
        tuple((len(marks), title) for marks, title in headings),
        tuple(blocks),
        tuple(_tables(prose)),
        tuple(_LINK.findall(bare)),
        text,
    )


def _without_code(text):
    prose, blocks, inside = [], [], None
    for line in text.splitlines():
        fence = _FENCE.match(line)
        if inside is None and fence:
            inside = (fence[1], [])
        elif inside is not None and fence:
            blocks.append((inside[0], "\n".join(inside[1])))
            inside = None
        elif inside is not None:
            inside[1].append(line)
        else:
            prose.append(line)
    assert inside is None, "a code block is not closed"
    return "\n".join(prose), blocks


def _tables(prose):
    rows = columns = 0
    for line in [*prose.splitlines(), ""]:
        if line.lstrip().startswith("|"):
            cells = len(re.findall(r"(?<!\\)\|", line)) - 1
            assert not rows or cells == columns, f"a row of {cells} cells under {columns}: {line}"
            rows, columns = rows + 1, cells
        elif rows:
            yield rows, columns
            rows = columns = 0
