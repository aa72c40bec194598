"""Take the pictures of the README: the report of the embedded default, light and dark.

Needs the Chromium of the system (apt-get install chromium) and playwright of the dev extra.

    make pictures
"""

import shutil
import sys
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).parent
REPORT = FOLDER.parent / "reports" / "bench" / "index.html"
SIZE = {"width": 1280, "height": 1900}
# Sections that would put the table below the fold; a picture has no scroll bar.
HIDDEN = "#verdict .how, #verdict .files, #verdict details, #ranking"
HIDE = "where => document.querySelectorAll(where).forEach(part => { part.hidden = true })"


def main() -> int:
    """Write report-light.png and report-dark.png beside this file; return the exit code."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print("no Chromium found. Type: apt-get install chromium", file=sys.stderr)
        return 2
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            context = browser.new_context(offline=True, viewport=SIZE, color_scheme=scheme)
            page = context.new_page()
            page.goto(REPORT.as_uri())
            page.evaluate(HIDE, HIDDEN)
            page.wait_for_timeout(500)  # for what stands packed in the page
            picture = Image.open(BytesIO(page.screenshot(animations="disabled")))
            # 255 colours are enough, and a third of the bytes; this way keeps the rare ones.
            picture.convert("RGB").quantize(255, Image.Quantize.MAXCOVERAGE).save(
                FOLDER / f"report-{scheme}.png"
            )
            context.close()
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
