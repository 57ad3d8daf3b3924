"""Fixtures of a tree: see `tests/support/wish_tree.py`."""

import pytest

from devkit.testkit import District
from tests.support.wish_tree import Tree


@pytest.fixture
def tree(district: District) -> Tree:
    return Tree(district)
