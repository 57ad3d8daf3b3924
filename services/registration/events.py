"""Its side of the conversation: what registration says, and one reaction per fact it hears."""

from shared.contracts import Fact

PUBLISHES: tuple[type[Fact], ...] = ()
