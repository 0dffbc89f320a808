"""What `issues/draw.py` promises: honest charts, readable words, the same bytes each time, plain errors."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from random import Random

import pytest

pytest.importorskip("resvg_py", reason="pictures are drawn with the `draw` extra")

ISSUES = Path(__file__).parents[1] / "issues"
sys.path.insert(0, str(ISSUES))

from PIL import Image  # noqa: E402

import draw  # noqa: E402
from drawing import charts, pages, typeset  # noqa: E402
from drawing.colour import PALETTES, contrast  # noqa: E402
from drawing.model import Band, BarChart, Cover, DrawingError, Report  # noqa: E402
from drawing.raster import to_png  # noqa: E402

try:
    typeset.all_font_files()
except DrawingError as missing:
    pytest.skip(str(missing), allow_module_level=True)

HEAD = "seed: 7\npalette: leaf\ndrawings:\n"
SCENE = "  - {file: a.png, kind: scene, motif: hills}\n"
BAND = "  - {file: band.png, kind: band, motif: circle, title: 合作伙伴最新进展}\n"


@pytest.fixture
def issue(tmp_path: Path) -> Path:
    (tmp_path / "media").mkdir()
    list_drawings(tmp_path, SCENE + BAND)
    return tmp_path


def list_drawings(folder: Path, drawings: str, head: str = HEAD) -> None:
    (folder / "media" / "drawings.yaml").write_text(head + drawings, encoding="utf-8")


def bars_of(svg: str) -> list[tuple[float, float]]:
    """Left edge and width of each bar."""
    found = re.findall(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"[^>]*class="bar"', svg)
    return [(float(left), float(width)) for left, width in found]


def bar_chart(**more: object) -> BarChart:
    return BarChart.model_validate({"file": "c.png", "kind": "bar", "title": "份额", "unit": "%", **more})


@pytest.mark.parametrize(
    ("drawing", "told"),
    [
        ("{file: a.png, kind: pie, motif: hills}", "a.png: kind must be one of"),
        ("{file: a.png, motif: hills}", "a.png: kind is missing"),
        ("{file: a.png, kind: scene, motif: moon}", "a.png: motif must be 'skyline', "),
        ("{file: a.png, kind: scene, motif: hills, palette: red}", "a.png: palette must be 'forest', "),
        ("{file: a.png, kind: band, motif: hills}", "a.png: title is missing"),
        ("{kind: scene, motif: hills}", "drawing 1: file is missing"),
        ("{file: ../a.png, kind: scene, motif: hills}", "../a.png: file must be lower-case"),
        ("{file: a.png, kind: bar, title: 图, bars: [{label: 甲, low: 3}]}", "a.png: bars.0 bar '甲' needs either"),
        ("{file: a.png, kind: ring, title: 图, value: 130}", "a.png: value 130 is above the whole, 100"),
    ],
)
def test_a_fault_is_told_in_one_line_with_file_and_drawing(
    issue: Path, capsys: pytest.CaptureFixture[str], drawing: str, told: str
) -> None:
    list_drawings(issue, f"  - {drawing}\n")
    assert draw.main([str(issue)]) == 2
    line = capsys.readouterr().err
    assert line.startswith(f"{issue}/media/drawings.yaml: {told}")
    assert line.count("\n") == 1


@pytest.mark.parametrize("head", ["", "seed: [", "seed: 7\npalette: leaf\ndrawings: []\n"])
def test_a_list_that_cannot_be_read_names_its_file(issue: Path, capsys: pytest.CaptureFixture[str], head: str) -> None:
    list_drawings(issue, "", head)
    assert draw.main([str(issue)]) == 2
    assert f"{issue}/media/drawings.yaml: " in capsys.readouterr().err


def test_a_bar_is_as_long_as_its_value_and_begins_at_zero() -> None:
    chart = bar_chart(bars=[{"label": "甲", "value": 20}, {"label": "乙", "value": 40}, {"label": "丙", "value": 0}])
    (one, short), (two, long), (_, none) = bars_of(charts.draw_bars(chart, PALETTES["leaf"]))
    assert one == two == charts.bar_scale(chart)(0)
    assert long == pytest.approx(2 * short, abs=0.02)
    assert none == 0


def test_a_range_reaches_from_low_to_high_on_the_scale_of_the_whole() -> None:
    chart = bar_chart(max=100, bars=[{"label": "甲", "low": 15, "high": 30}])
    scale = charts.bar_scale(chart)
    [(left, width)] = bars_of(charts.draw_bars(chart, PALETTES["leaf"]))
    assert (left - scale.left) / (scale.right - scale.left) == pytest.approx(0.15, abs=1e-4)
    assert width / (scale.right - scale.left) == pytest.approx(0.15, abs=1e-4)


@pytest.mark.parametrize(
    ("figure", "unit", "read"),
    [(37.0, "%", "37%"), (12.5, "亿欧元", "12.5亿欧元"), (12000.0, "kg", "12,000 kg"), (8000.0, "", "8000")],
)
def test_figures_are_written_as_they_were_given(figure: float, unit: str, read: str) -> None:
    assert charts.figure_text(figure, unit) == read


def test_the_same_list_gives_the_same_bytes_and_leaves_equal_files_untouched(issue: Path) -> None:
    first = {file: file.read_bytes() for file in draw.draw_issue(issue)}
    times = {file: file.stat().st_mtime_ns for file in first}
    for file in draw.draw_issue(issue):
        assert file.read_bytes() == first[file]
        assert file.stat().st_mtime_ns == times[file]


def test_pictures_have_their_size_and_stay_light(issue: Path) -> None:
    scene, band = draw.draw_issue(issue)
    assert Image.open(scene).size == (1200, 600)
    assert Image.open(band).size == (1200, 240)
    assert scene.stat().st_size < draw.BUDGETS["scene"]
    assert band.stat().st_size < draw.BUDGETS["band"]


def test_check_finds_what_is_missing_and_what_is_not_listed(issue: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draw.draw_issue(issue)
    assert draw.main([str(issue), "--check"]) == 0
    (issue / "media" / "a.png").rename(issue / "media" / "old.png")
    assert draw.main([str(issue), "--check"]) == 1
    told = capsys.readouterr().err.splitlines()
    assert [line.rsplit("/", 1)[1] for line in told] == [
        "a.png: listed in drawings.yaml, but missing",
        "old.png: not listed in drawings.yaml",
    ]


def test_no_line_begins_with_a_mark_that_closes_or_ends_with_one_that_opens() -> None:
    title = "应对气候变化、生物多样性丧失（以及污染）的《科学蓝图》：从“同一个地球网络”到2030年的行动，第2版"
    style = typeset.Type(40)
    for width in range(240, 900, 20):
        lines = typeset.break_lines(title, width, style)
        assert "".join(lines) == title
        assert not any(line[0] in typeset.NEVER_FIRST or line[-1] in typeset.NEVER_LAST for line in lines)
        assert any("2030年" in line for line in lines)


def worded(kind: str, motif: str, palette: str, seed: int) -> str:
    """A picture of `kind` in SVG, its words as long as they come."""
    title = "利用可持续和循环的公共采购促进近零排放和弹性建筑的需求：全球行动框架"
    lines = ["同一个地球网络", title, "2026年第2期（总第24期）"]
    common = {"file": "a.png", "kind": kind, "motif": motif}
    colours, random = PALETTES[palette], Random(seed)
    if kind == "cover":
        return pages.draw_cover(Cover(**common, lines=lines, slogan="One planet"), colours, random)
    if kind == "band":
        return pages.draw_band(Band(**common, title="可持续公共采购计划最新进展"), colours, random)
    return pages.draw_report(Report(**common, title=title, publisher="联合国人居署"), colours, random)


@pytest.mark.parametrize("palette", PALETTES)
@pytest.mark.parametrize(
    ("kind", "motif", "seed"),
    [("cover", "network", 1), ("band", "hills", 1), ("report", "waves", 1), ("report", "circle", 2)],
)
def test_words_stand_out_from_what_lies_behind_them(palette: str, kind: str, motif: str, seed: int) -> None:
    svg = worded(kind, motif, palette, seed)
    ground = Image.open(io.BytesIO(to_png(re.sub(r"<text.*?</text>", "", svg), 10**7))).convert("RGB")
    words = re.findall(r'<text x="([\d.]+)" y="([\d.]+)" font-size="([\d.]+)" fill="(#\w+)">([^<]+)', svg)
    assert words
    for x, y, size, fill, text in words:
        width = typeset.width_of(text, typeset.Type(float(size)))
        box = ground.crop((int(float(x)), int(float(y) - 0.8 * float(size)), int(float(x) + width), int(float(y)) + 4))
        behind = {f"#{red:02x}{green:02x}{blue:02x}" for _, (red, green, blue) in box.getcolors(box.width * box.height)}
        assert min(contrast(fill, colour) for colour in behind) >= 4.5, text


def test_words_from_right_to_left_begin_on_the_right_and_stay_joined() -> None:
    try:
        typeset.all_font_files(arabic=True)
    except DrawingError as missing:
        pytest.skip(str(missing))
    lines = ["رسالة عن الشراء الدائري", "الدائرة", "العدد 1 لسنة 2026"]
    cover = Cover(file="cover.png", kind="cover", motif="hills", lines=lines, slogan="نشتري أقلّ، ونستعمل أطول")
    drawn = pages.draw_cover(cover, PALETTES["earth"], Random(1))
    places = [float(place) for place in re.findall(r'<text x="([\d.]+)"', drawn)]
    assert len(places) == 4 and all(place > pages.COVER[0] * 0.8 for place in places)
    assert drawn.count('text-anchor="end"') == 4
    assert "letter-spacing" not in drawn
    assert to_png(drawn, 400_000).startswith(b"\x89PNG")
