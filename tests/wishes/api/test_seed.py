"""The demo tree, and the language of problems."""

from console.demo.wishes import WISHES, seed
from tests.support.wish_tree import Tree


def test_the_demo_tree_is_seeded_once(tree: Tree) -> None:
    for expected in (1, 0):
        with tree.wishes.session() as session:
            assert len(list(seed(session))) == expected
    assert len(tree.rows("SELECT id FROM wishes")) == len(WISHES)
    assert {item["label"] for item in tree.call("GET", "/v1/wishes")["items"]} == {
        "待认领",
        "已认领",
        "已完成",
    }


def test_titles_of_problems_are_in_chinese_first(tree: Tree) -> None:
    wish_id = tree.submitted()
    tree.call("PUT", f"/v1/wishes/{wish_id}/verification", {}, tree.coordinator)
    response = tree.wishes.call("GET", f"/v1/wishes/{wish_id}")
    assert response.get_json()["title"] == "没有这个心愿，或者您无权查看。"
    english = tree.wishes.call("GET", f"/v1/wishes/{wish_id}", headers={"Accept-Language": "en"})
    assert english.get_json()["title"] == "There is no such wish, or you may not see it."
