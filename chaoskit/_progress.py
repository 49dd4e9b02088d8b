"""Progress bars, by tqdm."""

from __future__ import annotations

from typing import Any

from .errors import MissingDependencyError


class Silent:
    """Stands in for a bar that nobody asked for."""

    def update(self, amount: int = 1) -> None: ...

    def set_postfix(self, **values: Any) -> None: ...

    def close(self) -> None: ...


def progress_bar(total: int, description: str, wanted: bool) -> Any:
    """A tqdm bar over `total`, or a silent object with the same three methods.

    Raises MissingDependencyError if a bar is wanted and tqdm is not installed.
    """
    if not wanted:
        return Silent()
    try:
        from tqdm import tqdm
    except ImportError:
        raise MissingDependencyError(
            'progress=True needs tqdm: pip install "chaoskit[progress]", or leave progress off'
        ) from None
    return tqdm(total=total, desc=description, leave=False)
