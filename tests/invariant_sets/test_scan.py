"""Scans over a parameter: bifurcations whose places are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from chaoskit import bifurcation_scan
from chaoskit.cells import Tanh
from chaoskit.errors import InvalidInputError
from chaoskit.systems import Logistic, Lorenz63, Roessler


def unit(gain=2.0, bias=0.0):
    return Tanh(np.array([[gain]]), np.zeros((1, 0)), np.array([bias]))


def turning(gain):
    c, s = math.cos(1.0), math.sin(1.0)
    return Tanh(gain * np.array([[c, -s], [s, c]]), np.zeros((2, 0)), np.zeros(2))


def brackets(scan, kind):
    return [tuple(sorted((b.before, b.after))) for b in scan.bifurcations if b.kind == kind]


def test_the_road_to_chaos_of_the_logistic_map():
    scan = bifurcation_scan(Logistic, "r", np.linspace(2.9, 3.7, 41))
    doublings = brackets(scan, "period doubling")
    for low, high in zip((3.0, 1 + math.sqrt(6), 3.5441), doublings[:3], strict=True):
        assert high[0] < low < high[1] <= high[0] + 0.05
    (low, high) = brackets(scan, "onset of chaos")[0]
    assert low < 3.5699456 < high
    chaotic = np.array([kind == "chaotic" for kind in scan.kinds])
    assert (scan.exponents[chaotic, 0] > 0).all()
    assert (scan.exponents[~chaotic, 0] <= 1e-4).all()
    assert scan.periods[scan.values < 2.95].tolist() == [1.0] * 3
    assert all(len(s) == p for s, p in zip(scan.samples, scan.periods, strict=True) if np.isfinite(p))
    down = bifurcation_scan(Logistic, "r", np.linspace(3.3, 2.9, 21))
    ((low, high),) = brackets(down, "period halving")
    assert low < 3.0 < high < low + 0.05


def test_a_pitchfork():
    scan = bifurcation_scan(lambda gain: unit(gain), "gain", np.linspace(0.5, 1.5, 21))
    ((low, high),) = [(b.before, b.after) for b in scan.bifurcations]
    assert brackets(scan, "pitchfork or transcritical") == [(low, high)]
    assert low < 1.0 < high
    ends = np.array([abs(s[0]) for s in scan.samples])
    assert (ends[scan.values < 0.99] < 1e-6).all()
    assert (ends[scan.values > 1.01] > 0.3).all()


def test_folds_and_hysteresis():
    """x' = tanh(2 x + b): the lower branch ends at +b*, the upper one at -b*."""
    slope = math.acosh(math.sqrt(2.0))  # where 2 (1 - tanh^2) = 1
    fold = 2.0 * math.tanh(slope) - slope
    up = bifurcation_scan(lambda bias: unit(2.0, bias), "bias", np.linspace(-1, 1, 41), x0=[-1.0])
    down = bifurcation_scan(lambda bias: unit(2.0, bias), "bias", np.linspace(1, -1, 41), x0=[1.0])
    for scan, place in ((up, fold), (down, -fold)):
        (bracket,) = brackets(scan, "fold")
        assert bracket[0] < place < bracket[1]
        assert len(scan.bifurcations) == 1
    middle = [scan.samples[20][0] for scan in (up, down)]
    assert middle[0] < -0.9 < 0.9 < middle[1]
    alone = bifurcation_scan(
        lambda bias: unit(2.0, bias), "bias", np.linspace(1, -1, 5), x0=[-1.0], follow=False
    )
    assert alone.samples[2][0] < -0.9


def test_a_neimark_sacker_bifurcation():
    scan = bifurcation_scan(turning, "gain", np.linspace(0.83, 1.23, 9))
    assert [b.kind for b in scan.bifurcations] == ["Neimark-Sacker"]
    ((low, high),) = brackets(scan, "Neimark-Sacker")
    assert low < 1.0 < high
    assert "multiplier" in scan.bifurcations[0].detail


def test_flows():
    scan = bifurcation_scan(Roessler, "c", [2.4, 2.6, 3.0, 3.2], steps=10_000, transient=10_000)
    assert brackets(scan, "period doubling") == [(2.6, 3.0)]
    assert [len(np.unique(s.round(2))) for s in scan.samples] == [1, 1, 2, 2]
    assert scan.units == "per unit time"
    lorenz = bifurcation_scan(
        Lorenz63, "rho", [12.0, 18.0, 28.0, 32.0], steps=5_000, observe=lambda states: states[:, 2]
    )
    assert brackets(lorenz, "onset of chaos") == [(18.0, 28.0)]
    assert lorenz.samples[2].min() > 25


def test_what_diverges():
    scan = bifurcation_scan(Logistic, "r", [3.9, 4.1, 4.2, 3.95])
    assert scan.kinds == ("chaotic", "diverging", "diverging", "chaotic")
    assert [b.kind for b in scan.bifurcations] == ["divergence", "return from divergence"]
    assert np.isnan(scan.exponents[1]).all()
    assert len(scan.samples[1]) == 0


def test_one_line():
    text = repr(bifurcation_scan(Logistic, "r", [2.9, 3.1]))
    assert text == "BifurcationScan(r from 2.9 to 3.1, 2 values: period doubling at 2.9 to 3.1)"


def test_bad_arguments():
    with pytest.raises(InvalidInputError, match="model_family"):
        bifurcation_scan(Logistic, "rr", [3.0])
    with pytest.raises(InvalidInputError, match="model_family"):
        bifurcation_scan(Logistic(), "r", [3.0])
    with pytest.raises(InvalidInputError, match="values"):
        bifurcation_scan(Logistic, "r", [])
    with pytest.raises(InvalidInputError, match="values"):
        bifurcation_scan(Logistic, "r", [3.0, 3.0])
    with pytest.raises(InvalidInputError, match="observe"):
        bifurcation_scan(Logistic, "r", [3.0], observe=1)
    with pytest.raises(InvalidInputError, match="observe"):
        bifurcation_scan(Logistic, "r", [3.0], observe=lambda states: states)
    with pytest.raises(InvalidInputError, match="models of 2 states for all values, got 3 for 3"):
        bifurcation_scan(lambda n: Tanh.init(int(n), rng=0), "n", [2.0, 3.0], steps=200)
