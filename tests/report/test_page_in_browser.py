"""The page in a real browser: pictures shown, nothing wider than the window, no foreign code run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import numpy as np
import pytest

import chaoskit
from chaoskit import fit
from chaoskit.forcing import Sparse
from chaoskit.report import write_report

pytest.importorskip("matplotlib")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = next((path for name in BROWSERS if (path := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason=f"no browser: none of {', '.join(BROWSERS)}")

# Added to a copy of the page: what the browser has made of it, as text in the page itself.
PROBE = """<script>
addEventListener("load", () => {
  const images = [...document.images];
  const seen = {
    pictures: images.length, shown: images.filter(i => i.complete && i.naturalWidth > 100).length,
    width: document.documentElement.scrollWidth, window: document.documentElement.clientWidth,
    wide: [...document.querySelectorAll(".wide")].filter(w => w.scrollWidth > w.clientWidth + 1).length,
    foreign: window.foreign === true, loaded: performance.getEntriesByType("resource")
      .filter(r => !r.name.startsWith("data:")).length,
  };
  document.body.insertAdjacentHTML("beforeend", `<pre id="seen">${JSON.stringify(seen)}</pre>`);
});
</script>"""


def browse(*arguments: str, folder) -> str:
    call = [
        str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
        "--disable-dev-shm-usage", f"--user-data-dir={folder / 'profile'}", *arguments,
    ]  # fmt: skip
    return subprocess.run(call, capture_output=True, text=True, timeout=120, check=True).stdout


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    series = chaoskit.simulate(chaoskit.systems.Henon(), [0.1, 0.1], 2500, transient=100)
    model = fit(series[:1800], forcing=Sparse(1), epochs=4, sequence_length=20, cell_options={"n_hidden": 10})
    title = "<img src=x onerror='foreign=true'><script>foreign=true</script>" + "long" * 60
    report = write_report(model, series[:1800], series[1900:], folder / "page.html", title=title)
    return report.path


@pytest.mark.parametrize("width", [1000, 500])
def test_the_browser_shows_the_page(page, width, tmp_path):
    probed = page.with_name("probed.html")
    text = page.read_text(encoding="utf-8")
    probed.write_text(text.replace("</body>", PROBE + "</body>"), encoding="utf-8")
    shown = browse(f"--window-size={width},900", "--dump-dom", probed.as_uri(), folder=tmp_path)
    seen = json.loads(re.findall(r'<pre id="seen">(.*?)</pre>', shown)[-1])
    assert seen["pictures"] == seen["shown"] >= 8
    assert seen["width"] <= seen["window"] <= width
    assert not seen["foreign"]
    assert seen["loaded"] == 0
    if width == 1000:
        assert seen["wide"] == 0  # on a screen no table has to be pushed sideways


def test_the_page_prints(page, tmp_path):
    target = tmp_path / "page.pdf"
    browse("--no-pdf-header-footer", f"--print-to-pdf={target}", page.as_uri(), folder=tmp_path)
    assert target.read_bytes().startswith(b"%PDF")


def test_a_picture_of_the_page_is_not_empty(page, tmp_path):
    from matplotlib import image

    target = tmp_path / "page.png"
    browse("--window-size=1000,3000", f"--screenshot={target}", page.as_uri(), folder=tmp_path)
    pixels = image.imread(target)[..., :3]
    assert pixels.shape[:2] == (3000, 1000)
    drawn = (pixels < 0.9).any(axis=2)
    assert np.count_nonzero(drawn.any(axis=1)) > 1000  # something stands in a third of all lines
