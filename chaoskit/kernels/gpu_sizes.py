"""Numbers of threads and rows that the launches over a whole GPU are cut into."""

from __future__ import annotations

from typing import NamedTuple


class BlockSizes(NamedTuple):
    """Sizes that cards of the last years like; tests take smaller ones."""

    tile: int = 16  # a side of the blocks of products, of which a thread owns 4 x 4 results
    line: int = 128  # threads that take neighbouring units
    rows: int = 16  # tangents for which a thread takes the slopes of its unit once
    panel: int = 64  # rows that Gram-Schmidt takes together, as many as a tile of the own products
    library_panel: int = 96  # where a library multiplies: as many as fit into shared memory, for few launches
    side: int = 32  # of the block of threads that factors a Gram matrix
    threads: int = 256  # of the blocks that look at whole rows; a power of two
    parts: int = 128  # blocks that look for the largest entry


CHOSEN = BlockSizes()
