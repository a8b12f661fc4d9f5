"""Draw docs/images/playground.png: the page, and below it moments of one training.

    python docs/make_film.py

The page is opened in Chromium and trained by its own keys, so the picture shows what a person sees.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import sync_playwright

OUT = Path(__file__).parent / "images" / "playground.png"
SETTINGS = (
    "dataset=spiral&networkShape=8,6&sinX=true&sinY=true&optimizer=adam&learningRate=0.01"
    "&percTrainData=70&percValidation=10"
)
EPOCHS = (0, 5, 10, 18, 220)
SIZE, GAP = {"width": 1280, "height": 860}, 16
PAPER, INK = "#fdfcfa", "#1d1c1a"


def picture(page: Any, selector: str | None = None) -> Image.Image:
    """What a part of the page shows, or its first screen."""
    part = page.locator(selector).first if selector else page
    return Image.open(io.BytesIO(part.screenshot())).convert("RGB")


def until(page: Any, holds: str) -> None:
    """Wait; Playwright's own way evaluates text in the page, which the page's policy forbids."""
    while not page.evaluate(holds):
        page.wait_for_timeout(50)


def trained(page: Any, epochs: int) -> None:
    """Step until so many epochs are done."""
    done = round(page.evaluate("window.ddasp.epochs"))
    for _ in range(epochs - done):
        page.keyboard.press("e")
    until(page, f"window.ddasp.epochs >= {epochs}")
    page.wait_for_timeout(600)  # measures come a few times a second


def film() -> Image.Image:
    """The page at the last moment, and the map at each."""
    command = [sys.executable, "-m", "ddasp", "playground", "--no-browser", "--port", "0", "--json"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = json.loads(server.stdout.readline())["address"]
        with sync_playwright() as driver:
            chromium = driver.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            page = chromium.new_page(viewport=SIZE, color_scheme="light")
            page.goto(f"{address}&{SETTINGS}")
            until(page, "window.ddasp?.frames > 0")
            page.wait_for_timeout(1500)
            moments = []
            for epochs in EPOCHS:
                trained(page, epochs)
                moments.append(picture(page, "#map-panel canvas"))
            page.mouse.move(5, 5)
            screen = picture(page)
            chromium.close()
    finally:
        server.terminate()
        server.wait()
    return joined(screen, moments)


def joined(screen: Image.Image, moments: list[Image.Image]) -> Image.Image:
    """The screen above a row of small maps with their epochs."""
    width = (screen.width - GAP * (len(moments) + 1)) // len(moments)
    small = [
        m.resize((width, round(m.height * width / m.width)), Image.Resampling.LANCZOS)
        for m in moments
    ]
    font = ImageFont.load_default(size=18)
    whole = Image.new("RGB", (screen.width, screen.height + small[0].height + 3 * GAP + 22), PAPER)
    whole.paste(screen, (0, 0))
    draw = ImageDraw.Draw(whole)
    for k, (moment, epochs) in enumerate(zip(small, EPOCHS, strict=True)):
        left, top = GAP + k * (width + GAP), screen.height + GAP
        whole.paste(moment, (left, top))
        draw.text((left, top + moment.height + 4), f"epoch {epochs}", INK, font)
    return whole


if __name__ == "__main__":
    film().save(OUT, optimize=True)
    print(OUT, OUT.stat().st_size // 1024, "KiB")
