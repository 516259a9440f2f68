"""The thalamus: it selects which items reach a target."""

from __future__ import annotations

from brainsim import Area, Assembly, Channels, Region
from brainsim.areas._declaring import named, whole
from brainsim.errors import DeclarationError


class Thalamus(Region):
    """Competing channels of relay neurons; the most driven channels are open.

    Its area ``"Relay"`` gates fibers of the cortex: ``brain.connect(items, work, p=0.2, gate=thalamus.relay)``.  Source
    neurons transmit only while their channel fires.  The reticular nucleus, whose inhibition lets channels compete,
    is the activation `brainsim.Channels` of the area: channels win by their *summed* drive.

    Parameters
    ----------
    name : str
        Name of the region.
    channels : int
        How many there are.
    relays : int
        Neurons of a channel.
    open : int
        How many channels win.

    Raises
    ------
    DeclarationError
        If a number is below 1, there are not more channels than can be open, or more than 2**31 neurons.

    Examples
    --------
    >>> from brainsim.areas import Thalamus
    >>> from brainsim.operations import imprint, route
    >>> brain = Brain()
    >>> goal = brain.add(Area("Goal", 500, 50, {"eat": range(50), "rest": range(50, 100)}))
    >>> items = brain.add(Area("Items", 1000, 1000, {"all": range(1000)}))  # 20 channels of 50 neurons
    >>> work = brain.add(Area("Work", 2000, 50))
    >>> thalamus = brain.add(Thalamus(channels=20, open=1))
    >>> _ = brain.connect(goal, thalamus.relay, p=0.2, plasticity=Hebbian(8, w_max=9))
    >>> _ = brain.connect(items, work, p=0.2, gate=thalamus.relay)
    >>> with Simulator(brain, seed=1) as sim:
    ...     imprint(sim, goal["eat"], thalamus.channel(7))
    ...     imprint(sim, goal["rest"], thalamus.channel(11))
    ...     route(sim, goal["rest"], items["all"], work).channels
    (11,)

    References
    ----------
    Sherman, Guillery. Functional Connections of Cortical Areas: A New View from the Thalamus. MIT Press 2013.
    Crick. Function of the thalamic reticular complex: the searchlight hypothesis. PNAS 1984.
    """

    def __init__(self, name: str = "Thalamus", channels: int = 1000, relays: int = 10, open: int = 4) -> None:
        super().__init__(name)
        where = f"{type(self).__name__} {name!r}"
        self.channels, self.relays = whole(f"{where}.channels", channels, 1), whole(f"{where}.relays", relays, 1)
        if whole(f"{where}.open", open, 1) > self.channels:
            raise DeclarationError(where=f"{where}.open", value=open, allowed=f"at most channels = {channels}")
        with named(where):
            self.relay: Area = self.add(
                Area("Relay", self.channels * self.relays, activation=Channels(self.relays, int(open)))
            )

    def channel(self, number: int) -> Assembly:
        """Return the relay neurons of a channel.

        Raises
        ------
        DeclarationError
            If there is no such channel.

        >>> from brainsim.areas import Thalamus
        >>> Thalamus(relays=4).channel(2)
        <Assembly of Thalamus.Relay: 4 neurons [8, 9, 10, 11]>
        """
        number = whole(f"{type(self).__name__} {self.name!r}.channel", number, 0, self.channels - 1)
        return Assembly(self.relay.name, range(number * self.relays, (number + 1) * self.relays))
