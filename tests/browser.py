"""Open a page in a real, headless Chromium, photograph it and read its console."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    "--virtual-time-budget=10000",
)
CONSOLE = re.compile(r'CONSOLE[^"]*"(.*)"')


def chromium() -> str:
    """Return the browser, or skip; the gate sets PYSCALE_REQUIRE_CHROMIUM so that it can't."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    if os.environ.get("PYSCALE_REQUIRE_CHROMIUM"):
        pytest.fail("no Chromium on this machine, but PYSCALE_REQUIRE_CHROMIUM is set")
    pytest.skip("no Chromium on this machine")


def visit(page: Path, scratch: Path, width: int = 1280, height: int = 2000, dark: bool = False):
    """Open a page; return (console messages, DOM after scripts ran, screenshot's path).

    The page is shown in a frame of the given width, because a headless window is never narrower
    than 500 pixels.
    """
    frame = scratch / "frame.html"
    frame.write_text(
        f'<body style="margin:0"><iframe src="{page.as_uri()}" '
        f'style="border:0;width:{width}px;height:{height}px"></iframe>'
    )
    picture = scratch / f"{page.stem}-{width}{'-dark' if dark else ''}.png"
    common = [chromium(), *FLAGS, f"--window-size={max(width, 500)},{height}"]
    if dark:
        common.append("--blink-settings=preferredColorScheme=0")
    shot = _run([*common, f"--user-data-dir={scratch / 'a'}", f"--screenshot={picture}", frame])
    dump = _run([*common, f"--user-data-dir={scratch / 'b'}", "--dump-dom", page])
    messages = CONSOLE.findall(shot.stderr) + CONSOLE.findall(dump.stderr)
    return messages, dump.stdout, picture


def _run(command):
    *flags, target = command
    return subprocess.run(
        [*map(str, flags), target.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
