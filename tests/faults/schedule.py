"""Which faults, in which order, for how long: all from one seed."""

import signal
import time
from collections.abc import Sequence
from random import Random

from devkit.faults.proxy import Link
from tests.faults.crowd import Crowd
from tests.faults.faults import (
    BadLink,
    BrokerWiped,
    ClockSkew,
    DiskAlarm,
    Fault,
    Freeze,
    HalfClose,
    Kill,
    KillABackend,
    KillSeveral,
    KillTheMapper,
    KillTree,
    KillWithWorkInHand,
    LockTable,
    MemoryAlarm,
    QueueDeleted,
    QueuePurged,
    QueuesForgotten,
    Reset,
    TerminateBackends,
)
from tests.faults.stage import Stage

SLOW = Link(delay_seconds=0.03, jitter_seconds=0.05, bytes_per_second=200_000)
DEAD = Link(black_hole=True)
CUT = Link(cut_after_bytes=20_000)


def on_rabbitmq() -> list[Fault]:
    """Faults under which RabbitMQ must lose nothing, catch-up or not."""
    return [
        Kill("RabbitMQ"),
        KillTree("RabbitMQ"),
        KillTheMapper(),
        KillTree("bus-registration"),
        KillTree("bus-rewards"),
        KillTree("bus-notify"),
        KillWithWorkInHand("bus-rewards", "rewards.transfers"),
        KillWithWorkInHand("bus-notify", "notify.alerts"),
        Kill("worker-rewards", signal.SIGSEGV),
        KillTree("worker-notify"),
        Kill("beat", signal.SIGABRT),
        Kill("api-registration"),
        KillTree("api-rewards"),
        KillSeveral(("bus-rewards", "RabbitMQ", "bus-wishes")),
        Kill("PostgreSQL"),
        Kill("PostgreSQL", signal.SIGTERM),
        KillABackend(),
        Freeze("bus-rewards"),
        Freeze("api-registration", at_most=15),
        Freeze("RabbitMQ"),
        Freeze("PostgreSQL", at_most=20),
        BadLink("broker", SLOW, "a slow link"),
        BadLink("broker", DEAD, "a black hole"),
        BadLink("broker", CUT, "links cut after 20 kB"),
        BadLink("database", SLOW, "a slow link"),
        BadLink("database", DEAD, "a black hole"),
        Reset("broker"),
        Reset("database"),
        HalfClose("broker"),
        MemoryAlarm(),
        DiskAlarm(),
        TerminateBackends(),
        LockTable("rewards.transfers"),
        LockTable("registration.outbox"),
        LockTable("notify.inbox"),
        ClockSkew("bus-rewards", +90),
        ClockSkew("api-registration", -90),
    ]


def what_a_broker_loses() -> list[Fault]:
    """Faults that take messages from RabbitMQ; catch-up brings them back."""
    return [QueueDeleted(), QueuePurged(), BrokerWiped(), QueueDeleted()]


def embedded() -> list[Fault]:
    """The same kinds where the processes are three and the broker is Valkey."""
    return [
        Kill("Valkey"),
        KillTree("Valkey"),
        Kill("bus"),
        KillTree("bus"),
        KillTree("worker"),
        Kill("api"),
        Kill("PostgreSQL"),
        KillABackend(),
        KillSeveral(("Valkey", "PostgreSQL", "bus")),
        Freeze("bus", at_most=20),
        Freeze("Valkey", at_most=20),
        Freeze("PostgreSQL", at_most=15),
        BadLink("database", DEAD, "a black hole"),
        BadLink("database", SLOW, "a slow link"),
        Reset("database"),
        TerminateBackends(),
        LockTable("rewards.transfers"),
        QueuesForgotten(),
        BrokerWiped(),
        ClockSkew("worker", +90),
    ]


def play(stage: Stage, crowd: Crowd, faults: Sequence[Fault], seed: int) -> None:
    """Let the faults happen in an order that the seed decides, each once events flow again.

    Raises AssertionError («void») if one fell outside the load.
    """
    rng = Random(seed)
    order = list(faults)
    rng.shuffle(order)
    begun = time.monotonic()
    stage.wait_until_events_flow("the start")
    for number, fault in enumerate(order, start=1):
        shortest, longest = fault.lasts
        length = rng.uniform(shortest, min(longest, getattr(fault, "at_most", longest)))
        at = time.monotonic() - begun
        print(f"{at:6.1f} s  {number}/{len(order)} {fault.name}, {length:.0f} s", flush=True)
        assert crowd.is_working, f"void: {fault.name} fell outside the load: {crowd.failures}"
        victim = Random(rng.random())
        fault.begin(stage, victim)
        try:
            time.sleep(length)
        finally:
            fault.end(stage)
        assert crowd.is_working, f"void: {fault.name} lasted longer than the load {crowd.failures}"
        flow = stage.wait_until_events_flow(fault.name)
        print(f"          events flow again after {flow:.1f} s", flush=True)
