"""One step of a cell in the normal form with all that its adjoint needs, and that adjoint, for many rows.

`work` is a tuple of flat arrays: R, E, PRE, Y, S hold the activations of many steps and are used from `row`
on; A, Q and DZ are of one call and begin at 0 (see `adjoint_memory.AdjointWork` and `pull_back.PullWork`).
Between features and step the caller enters the inputs; after the step back it undoes the forcing.
"""

from __future__ import annotations

from .._jit import inlined
from ..cells.protocol import has_hidden, is_coupled
from .linalg import add_outer_products, gemm
from .loops import back_loop, enter_loop, hidden_back_loop, hidden_loop, local_loop


@inlined
def enter_features(tag, packed, work, blas, X, ix, row, rows):
    """The operand of the main product from the states; its last columns are left for the inputs."""
    n, m, nx, _, _, inputs = packed.sizes
    w = m + inputs
    if has_hidden(tag):
        enter_loop(tag, packed.F, X, ix, rows, n, nx, work.E, row * n, n)
        gemm(blas, 0, 0, rows, m, n, 1, work.E, row * n, n, packed.HT, 0, m, 0, work.PRE, row * m, m)
        hidden_loop(tag, packed.F, work.PRE, row * m, rows, m, work.R, row * w, w)
    elif is_coupled(tag):
        enter_loop(tag, packed.F, X, ix, rows, n, nx, work.R, row * w, w)


@inlined
def finish_step(tag, packed, work, blas, X, ix, row, rows):
    """Y and S from the states and the operand."""
    n, m, nx, na, ns, inputs = packed.sizes
    w = m + inputs
    if is_coupled(tag) or inputs > 0:  # else the gates stay 0
        gemm(blas, 0, 0, rows, na, w, 1, work.R, row * w, w, packed.WT, 0, na, 0, work.A, 0, na)
    local_loop(tag, packed.P, X, ix, work.A, 0, rows, n, nx, na, ns, work.Y, row * nx, work.S, row * ns)


@inlined
def step_back(tag, packed, work, blas, X, ix, row, rows, D):
    """D, the adjoint of the states after the step, becomes the direct one of the states before it.

    What they gain through their features is left in Q. S and PRE become gradients; GP and GF gain.
    """
    n, m, nx, na, ns, inputs = packed.sizes
    w = m + inputs
    back_loop(
        tag, packed.P, packed.F, X, ix, work.Y, row * nx, work.S, row * ns, work.DZ, 0, work.Q, D, rows, n,
        nx, ns, work.GP, work.GF,
    )  # fmt: skip
    if has_hidden(tag):
        gemm(blas, 0, 0, rows, m, na, 1, work.S, row * ns, ns, packed.W, 0, w, 0, work.A, 0, m)
        hidden_back_loop(tag, packed.F, work.PRE, row * m, work.A, rows, m, work.GF)
        gemm(blas, 0, 0, rows, n, m, 1, work.PRE, row * m, m, packed.H, 0, n, 0, work.Q, 0, n)
    elif is_coupled(tag):
        gemm(blas, 0, 0, rows, m, na, 1, work.S, row * ns, ns, packed.W, 0, w, 0, work.Q, 0, m)


@inlined
def add_weight_gradients(tag, packed, work, blas, row, rows):
    """GW and GH gain the products of rows `row` to `row + rows`, after their steps back."""
    n, m, _, na, ns, inputs = packed.sizes
    w = m + inputs
    if is_coupled(tag) or inputs > 0:
        add_outer_products(blas, na, w, rows, work.S, row * ns, ns, work.R, row * w, w, work.GW)
    if has_hidden(tag):
        add_outer_products(blas, m, n, rows, work.PRE, row * m, m, work.E, row * n, n, work.GH)
