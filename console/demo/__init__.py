"""The demo district, which `wishtree seed` puts into an empty installation."""

from collections.abc import Callable, Iterable

from sqlalchemy.orm import Session

from console.demo import notify, registration, rewards, wishes

SEEDS: dict[str, Callable[[Session], Iterable[str]]] = {
    "registration": registration.seed,
    "wishes": wishes.seed,
    "rewards": rewards.seed,
    "notify": notify.seed,
}
"""Each fills an empty service and yields lines to print. Repeating it changes nothing."""
