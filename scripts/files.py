"""Writes generated files: only where something changed, and says which."""

from pathlib import Path

from clothing.config import PROJECT


def write(path: Path, text: str) -> None:
    """Write a file if it is not so already, and say which."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(PROJECT)}")
