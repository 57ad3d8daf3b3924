"""A district with many records, loaded by SQL: every service has what events would have made."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, create_engine, text

from devkit.testkit import District, psycopg_url

BEGAN = datetime.now(UTC) - timedelta(days=2)
"""When the first record was made: long ago for an audit, and still in every feed."""
VOLUNTEERS_SHARE, VOUCHERS_SHARE, WISHES_SHARE = 50, 10, 50
MINUTES = 60

KINDS = ("record", "event", "volunteer", "voucher", "redemption", "transfer", "wish", "alert")


def id_of(kind: str, number: int) -> UUID:
    """The id of the `number`th row of a kind: version 7, in the order of numbers."""
    milliseconds = int(BEGAN.timestamp() * 1000) + number
    return UUID(int=milliseconds << 80 | 0x7000 + KINDS.index(kind) << 64 | 0x8000 << 48 | number)


def sql_id(kind: str, number: str = "n") -> str:
    """The same in SQL."""
    began, part = int(BEGAN.timestamp() * 1000), f"{0x7000 + KINDS.index(kind):x}"
    return (
        f"cast(lpad(to_hex({began} + {number}), 12, '0') || '{part}' || '8000' ||"
        f" lpad(to_hex({number}), 12, '0') AS uuid)"
    )


@contextmanager
def owner(district: District) -> Iterator[Connection]:
    """A transaction of the owner, who may write what the application may not."""
    # Functions of the journal are found there.
    options = {"options": "-csearch_path=rewards,public"}
    url = psycopg_url(district.env["WISHTREE_OWNER_DATABASE_URL"])
    engine = create_engine(url, connect_args=options)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


class ManyRecords:
    """So many verified records of one station, credited, with alerts, vouchers and a settlement."""

    def __init__(self, district: District, count: int) -> None:
        self.district, self.count = district, count
        self.station, self.product, self.venue = (UUID(int=i << 80 | 7 << 76) for i in (1, 2, 3))
        self.settlement = UUID(int=4 << 80 | 7 << 76)
        self.volunteers = max(6, count // VOLUNTEERS_SHARE)
        self.vouchers, self.wishes = count // VOUCHERS_SHARE, max(6, count // WISHES_SHARE)
        with owner(district) as connection:
            for statement in self._statements():
                connection.execute(text(statement), self._parameters())

    def _parameters(self) -> dict[str, Any]:
        return {
            "station": self.station,
            "product": self.product,
            "venue": self.venue,
            "settlement": self.settlement,
            "began": BEGAN,
            "count": self.count,
            "volunteers": self.volunteers,
            "vouchers": self.vouchers,
            "wishes": self.wishes,
        }

    def _statements(self) -> Iterator[str]:
        yield from self._people()
        yield from self._hours()
        yield from self._vouchers()
        yield from self._wishes()

    def _people(self) -> Iterator[str]:
        yield (
            "INSERT INTO registration.organisations (id, name, kind)"
            " VALUES (:station, '站', 'group')"
        )
        yield (
            "INSERT INTO wishes.known_organisations (id, name, kind, sequence)"
            " VALUES (:station, '站', 'group', 1)"
        )
        yield (
            "INSERT INTO registration.volunteers (id, number, status, possible_duplicate)"
            f" SELECT {sql_id('volunteer')}, n, 'active', false"
            " FROM generate_series(1, :volunteers) n"
        )
        yield (
            f"INSERT INTO rewards.accounts (volunteer_id) SELECT {sql_id('volunteer')}"
            " FROM generate_series(1, :volunteers) n"
        )

    def _hours(self) -> Iterator[str]:
        whose = sql_id("volunteer", "(1 + n % :volunteers)")
        records = "FROM generate_series(1, :count) n"
        yield (
            "INSERT INTO registration.service_records (id, volunteer_id, organisation_id,"
            " started_at, ended_at, minutes, category, origin, bucket, status, recorded_by,"
            " root_id, created_at)"
            f" SELECT {sql_id('record')}, {whose}, :station, :began - n * interval '1 hour',"
            f" :began - n * interval '1 hour' + interval '1 hour', {MINUTES}, 'reading', 'system',"
            f" 'verified', 'recorded', 'system', {sql_id('record')}, :began {records}"
        )
        yield (
            "INSERT INTO registration.outbox (id, type, version, subject, data, created_at,"
            " published_at)"
            f" SELECT {sql_id('event')}, 'hours.recorded', 1, {sql_id('record')},"
            f" json_build_object('record_id', {sql_id('record')}, 'volunteer_id', {whose},"
            f" 'organisation_id', cast(:station AS uuid), 'minutes', {MINUTES},"
            " 'category', 'reading', 'bucket', 'verified', 'origin', 'system',"
            " 'worked_on', '2026-07-15'),"
            f" :began, :began {records}"
        )
        for service in ("rewards", "notify"):
            yield f"INSERT INTO {service}.inbox (event_id) SELECT {sql_id('event')} {records}"
        yield (
            "INSERT INTO rewards.credited_records (record_id, volunteer_id, recorded, minutes,"
            " minutes_credited, points_credited, rule_minutes, rule_points, worked_on)"
            f" SELECT {sql_id('record')}, {whose}, true, {MINUTES}, {MINUTES}, {MINUTES}, 1, 1,"
            f" '2026-07-15' {records}"
        )
        yield (
            "INSERT INTO rewards.transfers (id, debit_account, credit_account, amount, kind,"
            " cause_id, actor)"
            f" SELECT {sql_id('transfer')}, 'outside', 'volunteer:' || {whose}, {MINUTES},"
            f" 'earned', {sql_id('record')}, 'registration' {records}"
        )
        yield (
            "INSERT INTO notify.alerts (id, person_id, topic, event_id, template, params)"
            f" SELECT {sql_id('alert')}, {whose}, 'hours', {sql_id('event')}, 'hours_recorded',"
            f" '{{}}' {records}"
        )

    def _vouchers(self) -> Iterator[str]:
        """A tenth of all is settled; more records are issued and unused."""
        yield "INSERT INTO rewards.venues (id, name, kind) VALUES (:venue, 'Star cinema', 'cinema')"
        yield (
            "INSERT INTO rewards.products (id, venue_id, title, points, valid_days)"
            " VALUES (:product, :venue, 'Film', 120, 90)"
        )
        series = "FROM generate_series(1, :vouchers) n"
        yield (
            "INSERT INTO rewards.vouchers (id, holder_id, product_id, venue_id, title, points,"
            " cost_fen, code_fingerprint, code_sealed, status, expires_at)"
            f" SELECT {sql_id('voucher')}, {sql_id('volunteer', '1')}, :product, :venue, 'Film',"
            " 120, 3500, sha256(cast(cast(n AS text) AS bytea)), '', CASE n % 4"
            f" WHEN 0 THEN 'issued' WHEN 1 THEN 'redeemed' ELSE 'settled' END,"
            f" :began + interval '90 days' {series}"
        )
        yield (
            "INSERT INTO rewards.redemptions (id, voucher_id, venue_id, reference, channel,"
            " redeemed_at, settled_at)"
            f" SELECT {sql_id('redemption')}, {sql_id('voucher')}, :venue, n, 'counter', :began,"
            f" CASE WHEN n % 4 > 1 THEN cast(:began AS timestamptz) END {series} WHERE n % 4 > 0"
        )
        yield (
            "INSERT INTO rewards.transfers (id, debit_account, credit_account, amount, kind,"
            " cause_id, actor)"
            f" SELECT {sql_id('transfer', '(:count + n)')}, 'product:x', 'venue:x', 120,"
            f" 'redeemed', {sql_id('redemption')}, 'venue' {series} WHERE n % 4 > 0"
        )
        settled = f"(SELECT count(*) {series} WHERE n % 4 > 1)"
        yield (
            "INSERT INTO rewards.settlements (id, venue_id, month, redemptions, points, fen,"
            " disputes_fen, closed_by) SELECT :settlement, :venue, '2026-10-01',"
            f" {settled}, {settled} * 120, {settled} * 3500, 0, 'staff'"
        )
        yield (
            "INSERT INTO rewards.settlement_lines (settlement_id, redemption_id)"
            f" SELECT :settlement, {sql_id('redemption')} {series} WHERE n % 4 > 1"
        )

    def _wishes(self) -> Iterator[str]:
        series = "FROM generate_series(1, :wishes) n"
        yield f"INSERT INTO wishes.beneficiaries (id) SELECT {sql_id('wish')} {series}"
        yield (
            "INSERT INTO wishes.wishes (id, title, description, category, age_band, station_id,"
            " beneficiary_id, status, fence, proposed_minutes)"
            f" SELECT {sql_id('wish')}, 'A blanket', '', 'goods', '60+', :station,"
            f" {sql_id('wish')}, 'published', 0, 0 {series}"
        )
        yield (
            "INSERT INTO rewards.pool_wishes (wish_id, title, sequence)"
            f" SELECT {sql_id('wish')}, 'A blanket', n {series}"
        )
