"""Contrast is measured as WCAG does."""

from __future__ import annotations

import pytest

from pressrun.render.contrast import contrast


@pytest.mark.parametrize(("one", "ratio"), [("#000000", 21), ("#777777", 4.48), ("#ffffff", 1), ("#ff0000", 4.0)])
def test_contrast_is_measured_as_wcag_does(one: str, ratio: float) -> None:
    assert contrast(one, "#ffffff") == pytest.approx(ratio, abs=0.01)
    assert contrast("#ffffff", one) == contrast(one, "#ffffff")
