"""A restore while the broker still holds events of the future that the restore discards."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from devkit.installation import Installation, wait_until
from devkit.testkit import District

SERVICES = ("registration", "rewards")
HOUR = timedelta(hours=1)


@dataclass
class DiscardedFuture:
    """A partner sends records after a backup; rewards is frozen, so the broker keeps the events."""

    installation: Installation
    district: District
    folder: Path
    records: int

    def __post_init__(self) -> None:
        staff = self.district.token("staff")
        rule = {"kind": "earn", "minutes": 1, "points": 1}
        answer = self.district.rewards.call("POST", "/v1/rules", rule, as_=staff)
        assert answer.status_code == 201
        call = self.district.registration.call
        station = {"name": "台", "kind": "company"}
        self.organisation = call("POST", "/v1/organisations", station, as_=staff).get_json()["id"]
        body = {"name": "王强", "phone": "13900000001", "birth_date": "1990-01-01"}
        self.person = call("POST", "/v1/volunteers", body).get_json()["id"]
        call("PUT", f"/v1/volunteers/{self.person}/activation", as_=staff)
        self.partner = self.district.token(
            "system", "partner", scopes="records:write records:verified"
        )

    def send_records(self) -> set[int]:
        """Send every record, as the partner does: always with the same references."""
        began = datetime(2026, 1, 1, tzinfo=UTC)
        return {
            self.district.registration.call(
                "POST",
                "/v1/service-records",
                {
                    "volunteer_id": self.person,
                    "organisation_id": self.organisation,
                    "category": "community",
                    "started_at": (began + 2 * number * HOUR).isoformat(),
                    "ended_at": (began + (2 * number + 1) * HOUR).isoformat(),
                    "reference": f"partner-{number}",
                },
                as_=self.partner,
            ).status_code
            for number in range(self.records)
        }

    def counts(self) -> tuple[int, int]:
        """Records in registration, credits in rewards."""
        one = self.installation.one
        return (
            one("SELECT count(*) FROM registration.service_records"),
            one("SELECT count(*) FROM rewards.transfers WHERE kind = 'earned'"),
        )

    def start(self) -> None:
        self.installation.api("registration")
        for service in SERVICES:
            self.installation.start("bus", service)

    def run(self, *command: str) -> str:
        """Run `wishtree` as the operator does."""
        done = subprocess.run(
            [sys.executable, "-m", "console.main", *command],
            env={**os.environ, **self.installation.env},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def lose_a_future(self) -> None:
        """Back up, then let events be published that rewards does not get to handle."""
        self.start()
        wait_until(self._is_quiet, 30, "the first events were not handled")
        self.run("backup", str(self.folder))
        os.kill(self.installation.processes["bus-rewards"].pid, signal.SIGSTOP)
        assert self.send_records() == {201}
        wait_until(
            lambda: self.installation.unpublished() == 0, 30, "the events did not reach the broker"
        )
        assert self.counts() == (self.records, 0)
        for name in list(self.installation.processes):
            self.installation.kill(name)

    def _is_quiet(self) -> bool:
        waiting = self.installation.unpublished()
        handled: int = self.installation.one("SELECT count(*) FROM rewards.inbox")
        return waiting == 0 and handled > 0

    def restore(self, *options: str) -> str:
        self.district.close()  # the apps in this process are connected, too
        return self.run("restore", str(self.folder), "--yes", *options)

    def check_that_nothing_came_of_it(self) -> None:
        """No credit without a record; and the partner's repeat counts once."""
        assert self.counts() == (0, 0)
        assert self.send_records() == {201}
        wait_until(
            lambda: self.counts()[1] >= self.records, 30, "the repeated records were not credited"
        )
        assert self.counts() == (self.records, self.records)
        assert "agree" in self.run("ledger", "audit")
