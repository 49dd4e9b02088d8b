"""How much noise there is, and that the filter takes out noise and leaves motion."""

import numpy as np
import pytest
from known import henon_x, logistic, quasi_periodic, sine, white

from chaoskit.timeseries.noise import unpredicted, white_noise, without_noise


@pytest.mark.parametrize("level", [0.02, 0.1])
def test_the_floor_of_the_spectrum(level):
    for smooth in (sine(), quasi_periodic()):
        assert white_noise(smooth) < 1e-3
        assert white_noise(smooth + level * white()) == pytest.approx(level, rel=0.15)


def test_the_filter_takes_out_most_of_the_noise_and_little_else():
    clean, noise = quasi_periodic(), 0.1 * white()
    filtered = without_noise(clean + noise, 0.1, 15)
    inside = slice(15, -15)
    assert len(filtered) == len(clean) - 30
    likeness = np.corrcoef(filtered, clean[inside])[0, 1]
    assert np.sqrt(1 / likeness**2 - 1) < 0.75 * 0.1 / clean.std()  # noise to signal, whatever the scale


@pytest.mark.parametrize("series", [henon_x(5000), logistic(5000)], ids=["henon", "logistic"])
def test_noise_of_maps_from_what_neighbours_do_not_predict(series):
    data = (series - series.mean()) / series.std()
    assert unpredicted(data[:, None], 1, 2, 5) < 2e-3
    noisy = data + 0.05 * white(length=5000)
    assert unpredicted(noisy[:, None], 1, 4, 5) == pytest.approx(0.04, rel=0.25)


def test_too_few_rows_have_no_level():
    assert np.isnan(unpredicted(white(length=60)[:, None], 5, 4, 20))
