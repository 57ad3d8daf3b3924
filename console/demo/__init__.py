"""The demo district: fixed ids and public names, put into an empty installation by `wishtree
seed`.
"""

from collections.abc import Callable, Iterable

from sqlalchemy.orm import Session

from console.demo import notify, registration, rewards, wishes

SEEDS: dict[str, Callable[[Session], Iterable[str]]] = {
    "registration": registration.seed,
    "wishes": wishes.seed,
    "rewards": rewards.seed,
    "notify": notify.seed,
}
"""Each fills its service's empty database and yields lines to print. Repeating it changes nothing.
"""
