"""The parts of a verdict, on made-up growth, made-up crossings and products worked out by hand."""

from __future__ import annotations

import math
from types import SimpleNamespace

import naive
import numpy as np
import pytest

from chaoskit import classify_orbit
from chaoskit.cells import Tanh
from chaoskit.invariant_sets.recurrence import Recurrence
from chaoskit.invariant_sets.section_returns import section_return
from chaoskit.invariant_sets.stretches import Stretches
from chaoskit.invariant_sets.verdicts import of_map

BLOCKS, TIME = 1_000, 10_000.0
NOTHING = Recurrence(0, np.inf)


def stretches(growth, errors=(1e-4, 1e-4)):
    """Two stretches of 10,000 steps along which the logarithm of a tangent grows like this."""
    growth = np.asarray(growth, float)[:, None]
    half = len(growth) // 2
    totals = growth[half - 1], growth[-1] - growth[half - 1]
    parts = [
        SimpleNamespace(exponents=g / TIME, stderr=np.array([e]), times=np.array([TIME]), units="per step")
        for g, e in zip(totals, errors, strict=True)
    ]
    both = SimpleNamespace(
        exponents=growth[-1] / (2 * TIME), stderr=np.array([max(errors)]), times=np.array([2 * TIME]),
        units="per step", deterministic=np.array([False]), zero_exponent=None,
    )  # fmt: skip
    return Stretches(*parts, both, growth, np.zeros(1), 0, 1e-11)


def verdict(parts, recurrence=NOTHING):
    return of_map(parts, recurrence, np.zeros((1, 1)), 64, None)[0]


T = np.linspace(0.0, 1.0, 2 * BLOCKS + 1)[1:]
WAVE = np.sin(40 * math.pi * T)


@pytest.mark.parametrize(
    ("growth", "errors", "kind"),
    [
        (100 * T, (1e-4, 1e-4), "chaotic"),
        (100 * T, (1e-4, 2e-3), "undecided"),  # the second stretch does not confirm it
        (100 * np.minimum(T, 0.5), (1e-4, 1e-4), "undecided"),  # nor does it here
        (10 * T + 0.1 * WAVE, (1e-6, 1e-6), "undecided"),  # too little has grown to be sure
        (WAVE, (1e-4, 1e-4), "quasi-periodic"),
        (8 * WAVE, (1e-3, 1e-3), "undecided"),  # swings as no smooth torus makes it
        (3 * T + WAVE, (1e-4, 1e-4), "undecided"),
        (-3 * T + WAVE, (1e-4, 1e-4), "undecided"),
        (-100 * T, (1e-4, 1e-4), "undecided"),
    ],
)
def test_growth_and_the_verdict(growth, errors, kind):
    assert verdict(stretches(growth, errors)) == kind


def test_what_drifts_is_neither_chaotic_nor_a_torus():
    leaving = Recurrence(0, np.inf, 1, 1e-2)
    assert verdict(stretches(100 * T), leaving) == "undecided"
    assert verdict(stretches(WAVE), leaving) == "undecided"


def test_crossings_of_a_section_are_interpolated():
    """A circle sampled 23.7 times a turn: straight lines between samples would miss by a per cent."""
    t = np.arange(2_000.0)
    angle = 2 * math.pi * t / 23.7
    found = section_return(np.column_stack([np.cos(angle), 0.9 * np.sin(angle)]), 8)
    assert found.crossings == 1
    assert found.period == pytest.approx(23.7, rel=1e-6)
    assert found.distance < 1e-4
    doubled = np.column_stack([np.cos(angle) + 0.3 * np.cos(angle / 2), np.sin(angle)])
    assert section_return(doubled, 8).crossings == 2
    torus = np.column_stack([np.cos(angle) + 0.3 * np.cos(angle / 1.618), np.sin(angle / 1.618)])
    assert section_return(torus, 8) is None


def test_multipliers_are_those_of_the_product_in_its_order():
    rng = np.random.default_rng(2)
    cell = Tanh(0.6 * rng.standard_normal((3, 3)), rng.standard_normal((3, 1)), np.zeros(3))
    rows = np.array([[1.0], [-0.5], [0.2], [0.7]])
    found = classify_orbit(cell, inputs=rows)
    assert found.period == 4
    product = np.eye(3)
    for x, u in zip(found.points, rows, strict=True):
        product = naive.jacobian(cell, x, u) @ product
    exact = np.linalg.eigvals(product)
    exact = exact[np.argsort(-np.abs(exact))]
    np.testing.assert_allclose(np.abs(found.multipliers), np.abs(exact), rtol=1e-6)
    np.testing.assert_allclose(found.exponents, np.log(np.abs(exact)) / 4, rtol=1e-6)
