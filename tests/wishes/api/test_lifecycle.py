"""Any order of moves by anybody, compared with a small model.

Responses, state, counter and events have to agree.
"""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from devkit.testkit import District
from services.wishes import claims
from tests.support.wish_tree import Tree

EVENT_OF = {
    "verified": "wish.verified",
    "published": "wish.published",
    "claimed": "wish.claimed",
    "fulfilled": "wish.fulfilled",
    "confirmed": "wish.confirmed",
    "withdrawn": "wish.withdrawn",
}
PEOPLE = st.sampled_from(["shen_fang", "wang_qiang"])


def machine(district: District) -> type[RuleBasedStateMachine]:
    class WishLife(RuleBasedStateMachine):
        tree: Tree
        wish_id: UUID

        @initialize()
        def submit(self) -> None:
            district.clear()
            self.tree = Tree(district)
            self.wish_id = self.tree.submitted()
            self.state, self.holder, self.fence, self.lapsed = "submitted", None, 0, False
            self.published = ["wish.submitted"]

        def put(
            self,
            path: str,
            allowed: bool,
            body: Any = None,
            token: str | None = None,
            method: str = "PUT",
        ) -> None:
            response = self.tree.wishes.call(
                method, f"/v1/wishes/{self.wish_id}/{path}", body, as_=token or self.tree.staff
            )
            assert (response.status_code == 200) == allowed, (
                path,
                self.state,
                response.get_data(as_text=True),
            )
            assert response.status_code < 500

        def reach(self, state: str) -> None:
            self.state = state
            self.published.append(EVENT_OF[state])

        @rule()
        def verify(self) -> None:
            self.put("verification", self.state not in ("withdrawn",))
            if self.state == "submitted":
                self.reach("verified")

        @rule()
        def publish(self) -> None:
            self.put("publication", self.state not in ("submitted", "withdrawn"))
            if self.state == "verified":
                self.reach("published")

        @rule(who=PEOPLE)
        def claim(self, who: str) -> None:
            person = getattr(self.tree, who)
            free = self.state == "published" or (self.state == "claimed" and self.lapsed)
            body = {"claimer_id": str(person), "claimer_kind": "volunteer"}
            self.put(
                "claim",
                free or (self.state, self.holder) == ("claimed", person),
                body,
                self.tree.tokens[person],
            )
            if free:
                if self.state == "claimed":
                    self.published.append("wish.released")
                self.holder, self.fence, self.lapsed = person, self.fence + 1, False
                self.reach("claimed")

        @rule(who=PEOPLE)
        def release(self, who: str) -> None:
            person = getattr(self.tree, who)
            mine = (self.state, self.holder) == ("claimed", person)
            self.put(
                "claim",
                mine or self.state == "published",
                token=self.tree.tokens[person],
                method="DELETE",
            )
            if mine:
                self.put_back()

        def put_back(self) -> None:
            self.state, self.holder, self.lapsed = "published", None, False
            self.published.append("wish.released")

        @rule()
        def time_passes(self) -> None:
            if self.state == "claimed":
                self.tree.lapse(self.wish_id)
                self.lapsed = True

        @rule()
        def the_job_runs(self) -> None:
            with self.tree.wishes.session() as session:
                assert claims.release_expired_claims(session) == int(self.lapsed)
            if self.lapsed:
                self.put_back()

        @rule(who=PEOPLE, old=st.booleans())
        def fulfil(self, who: str, old: bool) -> None:
            person, fence = getattr(self.tree, who), self.fence - int(old and self.fence > 0)
            current = fence == self.fence and self.holder == person
            allowed = current and self.state in ("claimed", "fulfilled", "confirmed")
            self.put("fulfilment", allowed, {"note": "", "fence": fence}, self.tree.tokens[person])
            if current and self.state == "claimed":
                self.lapsed = False
                self.reach("fulfilled")

        @rule()
        def confirm(self) -> None:
            self.put("confirmation", self.state in ("fulfilled", "confirmed"))
            if self.state == "fulfilled":
                self.reach("confirmed")

        @rule()
        def refuse(self) -> None:
            self.put("confirmation", self.state in ("fulfilled", "claimed"), method="DELETE")
            if self.state == "fulfilled":
                self.reach("claimed")

        @rule()
        def withdraw(self) -> None:
            self.put("withdrawal", self.state != "confirmed")
            if self.state not in ("confirmed", "withdrawn"):
                self.holder, self.lapsed = None, False
                self.reach("withdrawn")

        @invariant()
        def the_database_agrees(self) -> None:
            assert self.tree.wish(self.wish_id) == (self.state, self.holder, self.fence)
            assert [event["type"] for event in self.tree.events()] == self.published
            for person in self.tree.tokens:
                expected = int(self.state in ("claimed", "fulfilled") and self.holder == person)
                assert self.tree.held_by(person) == expected

    return WishLife


@pytest.mark.timeout(170)
def test_every_life_of_a_wish_agrees_with_the_model(district: District) -> None:
    run_state_machine_as_test(
        machine(district),
        settings=settings(
            max_examples=30,
            stateful_step_count=18,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
