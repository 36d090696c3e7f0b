"""The rules of the house, as code. A failure names the file and the rule."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "streamfuse"
FLOOR = {"frames", "results", "stages", "errors", "clock", "registry", "redaction", "colour", "folders", "yaml_text", "video"}
STAGES = {"source", "sync", "batch", "align", "fuse", "detect", "publish"}
ENGINES = {"networks", "text"}  # what `fuse` may use beside the floor
ALLOWED = {
    **dict.fromkeys(FLOOR, FLOOR),
    **{stage: FLOOR | {stage} for stage in STAGES},
    **{engine: FLOOR | {engine} for engine in ENGINES},
    "fuse": FLOOR | ENGINES | {"fuse"},
    "config": FLOOR | STAGES,
    "flow": FLOOR | STAGES | {"config", "flow"},
    "train": FLOOR | STAGES | ENGINES | {"config", "train"},
    "evaluate": FLOOR | STAGES | ENGINES | {"config", "train", "evaluate"},
    "cli": FLOOR | STAGES | ENGINES | {"config", "flow", "train", "evaluate", "cli"},
}
HOMES = {
    "av": {"video"},
    "zmq": {"publish"},
    "ultralytics": {"detect", "train"},
    "trackers": {"detect"},
    "simplejpeg": {"publish"},
    "typer": {"cli"},
    "rich": {"cli"},
    "open_clip": {"text"},
    "tokenizers": {"text"},
}
HEAVY = {"torch", "av", "zmq", "cv2", "ultralytics", "open_clip", "supervision", "trackers", "numpy", "pydantic"}
LONGEST_FILE, LONGEST_FUNCTION = 300, 60


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def written() -> list[Path]:
    return sorted(path for folder in ("streamfuse", "pipelines", "tools", "tests") for path in (ROOT / folder).rglob("*.py"))


def part(path: Path) -> str:
    """`source/images.py` -> source, `clock.py` -> clock, `__init__.py` -> the package itself."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Absolute names of everything that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module
            if node.module == "streamfuse":
                yield from (f"streamfuse.{alias.name}" for alias in node.names)


def test_imports_point_down():
    """A stage knows the floor and itself, never another stage; only `flow` and what stands above it knows them all."""
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules()
        for name in imported(path)
        if name.startswith("streamfuse.") and part(path) != "__init__" and name.split(".")[1] not in ALLOWED[part(path)]
    ]
    assert not wrong


def test_each_foreign_library_has_one_home():
    """Swapping a library touches one folder."""
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules()
        for name in imported(path)
        if name.split(".")[0] in HOMES and part(path) not in HOMES[name.split(".")[0]]
    ]
    assert not wrong


@pytest.mark.parametrize("path", written(), ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_outgrows_a_reader(path):
    """Files have at most 300 lines, functions at most 60."""
    assert len(path.read_text().splitlines()) <= LONGEST_FILE
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    assert not {name: lines for name, lines in long.items() if lines > LONGEST_FUNCTION}


def test_importing_loads_nothing_heavy():
    """`import streamfuse` costs nothing; names are resolved when they are used."""
    code = f"import sys, streamfuse; print(sorted({HEAVY!r} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.strip() == "[]"


def test_the_command_line_answers_without_loading_torch():
    """`streamfuse --help` is quick because commands import late."""
    code = "import sys, streamfuse.cli.app; print('torch' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.strip() == "False"


def test_nothing_prints_in_the_package():
    """Only commands talk to the terminal."""
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not wrong


def test_everything_is_caught_in_one_place_only():
    """A broad `except` stands in `flow/worker.py` alone."""
    broad = {"Exception", "BaseException"}
    wrong = [
        str(path.relative_to(ROOT))
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler) and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in broad))
        if not any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))  # clean up and pass on
    ]
    assert set(wrong) <= {"streamfuse/flow/worker.py"}


def test_the_tree_in_the_readme_is_the_disk():
    """Every folder of the package and every file of its root stands in the README's tree, and nothing else does."""
    block = re.search(r"```text\n(streamfuse/.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block, "the README has no tree"
    told = {line.split()[0] for line in block.group(1).splitlines()[1:] if line.startswith("  ")}
    disk = {f"{path.name}/" for path in PACKAGE.iterdir() if path.is_dir() and path.name not in ("__pycache__", "configs")}
    disk |= {path.name for path in PACKAGE.glob("*.py") if path.name != "__init__.py"}
    assert told == disk
    top = {line.split()[0] for line in block.group(1).splitlines() if not line.startswith(" ")}
    assert all((ROOT / name).exists() for name in top), top


def test_each_stage_has_its_page():
    """`docs/` is numbered like the flow."""
    for number, stage in enumerate(("source", "sync", "batch", "align", "fuse", "detect", "publish"), 1):
        assert (ROOT / "docs" / f"{number}-{stage}.md").is_file()
