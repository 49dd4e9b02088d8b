"""Planted faults: each takes tools and returns them with one mistake, of the kind that is made by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from chaoskit import simulate
from chaoskit.forcing import Never

# ---- mistakes in a stack of Jacobians (T, N, N)


def row_sign(J):
    J = J.copy()
    J[:, 0] *= -1.0
    return J


def transpose(J):
    return np.ascontiguousarray(J.transpose(0, 2, 1))


def freeze(J):
    """All at the first state."""
    return np.broadcast_to(J[0], J.shape).copy()


def forget_the_cell_plane(J):
    J, n = J.copy(), J.shape[1] // 2
    J[:, n:, n:] = 0.0
    return J


def reverse(J):
    return J[::-1]


def add_identity(J):
    """As if the step were the derivative of a step."""
    return J + np.eye(J.shape[1])


def in_jacobians(mistake):
    def fault(tools):
        return replace(tools, jacobians=lambda *args: mistake(tools.jacobians(*args)))

    return _named(fault, "jacobians", mistake)


def in_products(mistake):
    """Products are taken of wrong factors."""

    def fault(tools):
        def product(cell, x0, steps, inputs=None):
            states = simulate(cell, x0, steps, inputs=inputs)[:-1]
            given = None if inputs is None else np.asarray(inputs)[:steps]
            matrix, log_scale = np.eye(states.shape[1]), 0.0
            for J in mistake(tools.jacobians(cell, states, given)):
                matrix = J @ matrix
                norm = np.linalg.norm(matrix, 2)
                if norm == 0.0:
                    return matrix, -math.inf
                matrix, log_scale = matrix / norm, log_scale + math.log(norm)
            return matrix, log_scale

        return replace(tools, product=product)

    return _named(fault, "product", mistake)


def _named(fault, where, mistake):
    fault.__name__ = f"{mistake.__name__}_in_{where}"
    return fault


# ---- mistakes in time
def one_step_short(tools):
    """The lag is off by one."""

    def short(of):
        return lambda cell, x0, steps, inputs=None, **more: of(cell, x0, steps - 1 or 1, inputs, **more)

    return replace(
        tools,
        product=short(tools.product),
        sensitivity=short(tools.sensitivity),
        spectrum=short(tools.spectrum),
    )


def late_inputs(tools):
    """Each input drives the step after its own."""

    def late(of):
        return lambda cell, z, *more, **kw: of(
            cell, z, *more[:-1], None if more[-1] is None else np.roll(more[-1], 1, axis=0), **kw
        )

    return replace(tools, jacobians=late(tools.jacobians))


# ---- mistakes in parameter derivatives
def last_step_forgotten(tools):
    """The immediate derivative of the last step is not added."""

    def sensitivity(cell, x0, steps, inputs=None):
        z = simulate(cell, x0, steps, inputs=inputs)[-2]
        u = None if inputs is None else np.asarray(inputs)[steps - 1 : steps]
        return tools.sensitivity(cell, x0, steps, inputs) - tools.immediate(cell, z[None], u)[0]

    return replace(tools, sensitivity=sensitivity)


def one_parameter_forgotten(tools):
    """The last of the parameters has no immediate derivative."""

    def immediate(*args):
        direct = tools.immediate(*args).copy()
        direct[..., -1] = 0.0
        return direct

    return replace(tools, immediate=immediate)


# ---- mistakes in bounds
def kappa_from_the_start_alone(tools):
    return replace(tools, kappa=lambda J, rate: tools.kappa(J, rate, starts=[0]))


def certified_by_the_start_alone(tools):
    """The bound of an orbit from products that all begin at its start."""

    def bound(cell, x0, steps, inputs=None):
        given, rate = tools.bound(cell, x0, steps, inputs), 0.9
        states = simulate(cell, x0, steps, inputs=inputs)[:-1]
        kappa = tools.kappa(tools.jacobians(cell, states, inputs), rate, starts=[0])
        bound = given.loss_gradient * given.immediate * kappa / (1.0 - rate)
        return replace(given, kappa=kappa, rate=rate, bound=bound)

    return replace(tools, bound=bound)


def half_the_rate(tools):
    def bound(*args):
        given = tools.bound(*args)
        return replace(given, rate=given.rate / 2.0)

    return replace(tools, bound=bound)


def sum_forgotten(tools):
    """kappa sup ||d+|| without the sum of the geometric series."""
    return replace(
        tools,
        kappa=lambda J, rate: tools.kappa(J, rate) * (1.0 - rate),
        bound=lambda *args: _smaller(tools.bound(*args)),
    )


def _smaller(given):
    return replace(given, bound=given.bound * (1.0 - given.rate))


# ---- mistakes in what `gradient_growth` reports
def _in_growth(change):
    def fault(tools):
        def growth(cell, x0, steps, **options):
            return change(tools.growth, cell, x0, steps, options)

        return replace(tools, growth=growth)

    fault.__name__ = change.__name__
    return fault


@_in_growth
def not_cut(growth, cell, x0, steps, options):
    """Forcing sets the state, but the chain goes on."""
    forcing = Never() if options.get("forcing") is not None else None
    return growth(cell, x0, steps, **options | {"forcing": forcing})


@_in_growth
def start_counted(growth, cell, x0, steps, options):
    """Forcing shrinks the chain at the start as well, where nothing came before."""
    found, forcing = growth(cell, x0, steps, **options), options.get("forcing")
    more = 0.0 if forcing is None else math.log1p(-forcing.alpha)
    return replace(found, log_state=found.log_state + more)


@_in_growth
def rows_for_columns(growth, cell, x0, steps, options):
    """(I - P) J in place of J (I - P): the first cut comes a step late."""
    found = growth(cell, x0, steps, **options)
    if options.get("forcing") is None:
        return found
    free = growth(cell, x0, steps, **options | {"forcing": Never()})
    first = found.lags <= options["forcing"].tau + 1
    return replace(found, log_state=np.where(first, free.log_state, found.log_state))


@_in_growth
def binary_logarithms(growth, cell, x0, steps, options):
    found = growth(cell, x0, steps, **options)
    logs = {n: getattr(found, n) for n in ("log_state", "log_loss")}
    wrong = {n: None if a is None else a / math.log(2.0) for n, a in logs.items()}
    return replace(found, rate=found.rate / math.log(2.0), **wrong)


# ---- mistakes in spectra
def a_direction_lost(tools):
    return replace(tools, spectrum=lambda *args, **kw: tools.spectrum(*args, **kw)[:-1])
