"""Learn actions from rewards: acquisition, reversal, extinction, and a bandit compared with value-learning algorithms.

Cues drive a `Striatum` of four actions.  A cue and noise choose an action, whose channel fires.  Dopamine then changes
the synapses from the cue: it is the reward prediction error, that is the reward minus the expected reward, which is
read from the drive of the chosen action.  In the task, each of eight cues has one right action; then the right actions
change (reversal), and finally none is rewarded (extinction).  In the bandit there is one cue, and the four actions are
arms that pay with probabilities .2, .4, .6 and .8.

Success is stated in advance, as means over seeds.  At least .9 of the actions are right at the end of acquisition and
.85 at the end of reversal; in extinction the expectation falls below .1.  Controls: with dopamine off, clamped or
shuffled in time at most .4 are right (chance .25); with the reward itself instead of the error, reversal fails (at most
.4).  In the bandit the striatum chooses arms that pay at least .68 on average (chance .5), and .1 more than without
dopamine.  It is compared with epsilon-greedy, win-stay-lose-shift, and Q-learning, whose two parameters are tuned on
separate runs.  The striatum's noise and rate were set on seeds 1 to 8.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from brainsim import Area, Brain, Modulator, Simulator, experiment
from brainsim.areas import Striatum
from brainsim.operations import Choice, choose_action, reward
from brainsim.studies.comparison import by_seed, measured, over_seeds, scores, write_table
from brainsim.studies.parts import Part
from brainsim.studies.processes import Call
from brainsim.studies.run import Run
from brainsim.studies.statistics import interval_95

K = 50  # neurons of a cue
ACTIONS = ("left", "right", "up", "down")
PAYS = (0.2, 0.4, 0.6, 0.8)
CLAMPED = 0.5
LAST = 80  # the last trials of acquisition and of reversal, which are judged
CRITERIA = {"acquired": 0.9, "reversed": 0.85, "extinct": 0.1, "controls": 0.4, "bandit": 0.68, "bandit_gain": 0.1}
ARMS = {
    "error": "dopamine: reward minus expectation",
    "reward": "control: the reward itself",
    "clamped": "control: dopamine clamped",
    "shuffled": "control: errors shuffled in time",
    "off": "control: no dopamine",
}
MEASURES = {
    "acquired": "right, end of acquisition",
    "after_reversal": "right, first 40 trials after reversal",
    "reversed": "right, end of reversal",
    "extinct": "expectation, end of extinction",
}
GRID = {"rate": (0.05, 0.1, 0.2, 0.3, 0.5), "temperature": (0.03, 0.06, 0.1, 0.15, 0.25)}


@experiment(quick={"cues": 2, "trials": 80, "pulls": 80, "players": 20, "seeds": 2})
def reward_learning(
    run: Run,
    *,
    cues: int = 8,
    trials: int = 200,
    pulls: int = 400,
    noise: float = 0.1,
    rate: float = 1.0,
    players: int = 400,
    seeds: int = 20,
) -> Mapping[str, Any]:
    """Run ``trials`` in each phase of the task, and ``pulls`` of the bandit; each algorithm plays it ``players`` times.

    Parameters
    ----------
    cues
        Cues of the task.
    trials
        Trials of each phase of the task.
    pulls
        Pulls of the bandit.
    noise
        Standard deviation of the noise that is added to the values of actions, in units of the reward.
    rate
        Dopamine for an error of 1.
    players
        Runs of each algorithm.
    seeds
        Brains of each kind, each with a seed of its own; their means and 95 % intervals are reported.
    """
    calls = {("task", arm): Call(task, (arm, cues, trials, noise, rate)) for arm in ARMS}
    calls |= {("bandit", arm): Call(bandit, (arm, pulls, noise, rate)) for arm in ARMS}
    found = over_seeds(run, calls, seeds)
    tasks, bandits = ({arm: found[play, arm] for arm in ARMS} for play in ("task", "bandit"))
    algorithms = run.part("algorithms", lambda _: played(pulls, players, run.seed))
    _tables(run, tasks, bandits, algorithms)
    run.picture("reward_learning.png", lambda: _draw(tasks, bandits, algorithms))
    means = {arm: {name: fmean(scores(parts, name)) for name in MEASURES} for arm, parts in tasks.items()}
    pays = {arm: fmean(scores(parts, "pays")) for arm, parts in bandits.items()}
    controls = ("clamped", "shuffled", "off")
    return {
        "reward": pays,
        "reward_of_algorithms": {name: fmean(each["pays"]) for name, each in algorithms.items()},
        "task": means,
        "criteria": CRITERIA,
        "met": {
            "acquired": means["error"]["acquired"] >= CRITERIA["acquired"],
            "reversed": means["error"]["reversed"] >= CRITERIA["reversed"],
            "extinct": means["error"]["extinct"] <= CRITERIA["extinct"],
            "controls": all(
                means[arm][name] <= CRITERIA["controls"] for arm in controls for name in ("acquired", "reversed")
            ),
            "no_error_no_reversal": means["reward"]["reversed"] <= CRITERIA["controls"],
            "bandit": pays["error"] >= CRITERIA["bandit"] and pays["error"] - pays["off"] >= CRITERIA["bandit_gain"],
        },
        "chance": {"right": 1 / len(ACTIONS), "reward": fmean(PAYS)},
        "intervals_95": {
            "task": {
                arm: {name: interval_95(scores(parts, name), bounded=name != "extinct") for name in MEASURES}
                for arm, parts in tasks.items()
            },
            "reward": {arm: interval_95(scores(parts, "pays"), bounded=True) for arm, parts in bandits.items()},
            "reward_of_algorithms": {
                name: interval_95(each["pays"], bounded=True) for name, each in algorithms.items()
            },
        },
        "by_seed": {f"dopamine={arm}": {**by_seed(tasks[arm]), **by_seed(bandits[arm])} for arm in ARMS},
    }


class Learner:
    """A striatum that chooses among four actions, and the dopamine that an arm gives it."""

    def __init__(self, arm: str, cues: int, noise: float, rate: float, seed: int, **options: Any) -> None:
        brain = Brain()
        patterns = {str(at): range(at * K, (at + 1) * K) for at in range(cues)}
        self._cue, self._dopamine = brain.add(Area("Cue", cues * K, K, patterns), Modulator("dopamine", baseline=0.0))
        self._striatum = brain.add(Striatum("Striatum", ACTIONS, dopamine=self._dopamine))
        self._striatum.learns_from(self._cue)
        self._arm, self._noise, self._rate = arm, noise, rate
        self._rng = np.random.default_rng([seed, 7])
        self._errors: list[float] = []
        self.sim = Simulator(brain, seed, **options)

    def choose(self, cue: int) -> Choice:
        """Return what a cue and noise choose."""
        return choose_action(self.sim, self._striatum, self._cue[str(cue)], self._noise, rng=self._rng)

    def reward(self, choice: Choice, value: float) -> None:
        """Reward a choice, with the dopamine of the arm."""
        if self._arm == "error":
            reward(self.sim, self._striatum, choice, value, self._rate)
            return
        self._errors.append(value - choice.expected)
        dopamine = {
            "reward": value,
            "clamped": CLAMPED,
            "shuffled": self._errors[int(self._rng.integers(len(self._errors)))],
            "off": 0.0,
        }[self._arm]
        self.sim.reinforce(self._dopamine, self._rate * dopamine)


def task(part: Part, arm: str, cues: int, trials: int, noise: float, rate: float, seed: int) -> dict[str, Any]:
    """Run acquisition, reversal and extinction; return the shares of right actions, and the expectations."""
    rng, learner = np.random.default_rng([seed, 6]), Learner(arm, cues, noise, rate, seed, **part.simulator)
    first = rng.integers(len(ACTIONS), size=cues)
    second = (first + rng.integers(1, len(ACTIONS), size=cues)) % len(ACTIONS)
    hits, expected = [], []
    with learner.sim:
        for trial in range(3 * trials):
            cue = int(rng.integers(cues))
            choice = learner.choose(cue)
            right = choice.action == ACTIONS[(first if trial < trials else second)[cue]]
            hits.append(float(right))
            expected.append(choice.expected)
            learner.reward(choice, float(right and trial < 2 * trials))
    last = min(LAST, trials // 2)
    return {
        "acquired": fmean(hits[trials - last : trials]),
        "after_reversal": fmean(hits[trials : trials + 40]),
        "reversed": fmean(hits[2 * trials - last : 2 * trials]),
        "extinct": fmean(expected[-40:]),
        "hits": [fmean(hits[at : at + 20]) for at in range(0, len(hits), 20)],
        "expected": [fmean(expected[at : at + 20]) for at in range(0, len(hits), 20)],
    }


def bandit(part: Part, arm: str, pulls: int, noise: float, rate: float, seed: int) -> dict[str, float]:
    """Pull arms, and return the mean payment of the chosen arms, over all pulls and over the last quarter."""
    rng, learner = np.random.default_rng([seed, 8]), Learner(arm, 1, noise, rate, seed, **part.simulator)
    pays = dict(zip(ACTIONS, rng.permutation(PAYS).tolist(), strict=True))
    got = []
    with learner.sim:
        for _ in range(pulls):
            choice = learner.choose(0)
            got.append(pays[str(choice.action)])
            learner.reward(choice, float(rng.random() < got[-1]))
    return {"pays": fmean(got), "last": fmean(got[-pulls // 4 :])}


def played(pulls: int, players: int, seed: int) -> dict[str, dict[str, list[float]]]:
    """Let algorithms play the bandit; the parameters of Q-learning are tuned on an equal number of other runs."""
    tuned = max(product(*GRID.values()), key=lambda pair: fmean(_q_learning(*pair, pulls, players, [seed, 9])[0]))
    results = {
        f"Q-learning, tuned (rate {tuned[0]:g}, temperature {tuned[1]:g})": _q_learning(
            *tuned, pulls, players, [seed, 10]
        ),
        "epsilon-greedy (.1)": _epsilon_greedy(pulls, players, [seed, 11]),
        "win-stay-lose-shift": _win_stay(pulls, players, [seed, 12]),
    }
    return {name: {"pays": pays, "last": last} for name, (pays, last) in results.items()}


def _played(
    choose: Callable[[np.random.Generator], int], learn: Callable[[int, float], None], pulls: int, rng: Any
) -> tuple[float, float]:
    pays, got = rng.permutation(PAYS), []
    for _ in range(pulls):
        action = choose(rng)
        got.append(float(pays[action]))
        learn(action, float(rng.random() < pays[action]))
    return fmean(got), fmean(got[-pulls // 4 :])


def _q_learning(rate: float, temperature: float, pulls: int, players: int, seed: list[int]) -> Any:
    def one(rng: np.random.Generator) -> tuple[float, float]:
        values = np.zeros(len(PAYS))

        def choose(rng: np.random.Generator) -> int:
            return int(np.argmax(values / temperature + rng.gumbel(size=len(PAYS))))  # the softmax

        def learn(action: int, value: float) -> None:
            values[action] += rate * (value - values[action])

        return _played(choose, learn, pulls, rng)

    return _over(one, players, seed)


def _epsilon_greedy(pulls: int, players: int, seed: list[int]) -> Any:
    def one(rng: np.random.Generator) -> tuple[float, float]:
        sums, counts = np.zeros(len(PAYS)), np.zeros(len(PAYS))

        def choose(rng: np.random.Generator) -> int:
            if rng.random() < 0.1:
                return int(rng.integers(len(PAYS)))
            means = sums / np.maximum(counts, 1)
            return int(rng.choice(np.flatnonzero(means == means.max())))

        def learn(action: int, value: float) -> None:
            sums[action] += value
            counts[action] += 1

        return _played(choose, learn, pulls, rng)

    return _over(one, players, seed)


def _win_stay(pulls: int, players: int, seed: list[int]) -> Any:
    def one(rng: np.random.Generator) -> tuple[float, float]:
        state = [int(rng.integers(len(PAYS)))]

        def learn(action: int, value: float) -> None:
            if not value:
                state[0] = (action + int(rng.integers(1, len(PAYS)))) % len(PAYS)

        return _played(lambda _: state[0], learn, pulls, rng)

    return _over(one, players, seed)


def _over(one: Callable[[np.random.Generator], tuple[float, float]], players: int, seed: list[int]) -> Any:
    """Return the mean payment of each of some runs, over all pulls and over the last quarter."""
    runs = [one(np.random.default_rng([*seed, player])) for player in range(players)]
    return [pays for pays, _ in runs], [last for _, last in runs]


def _tables(run: Run, tasks: Any, bandits: Any, algorithms: Any) -> None:
    rows = [
        [ARMS[arm], *(measured(scores(parts, name), bounded=name != "extinct") for name in MEASURES)]
        for arm, parts in tasks.items()
    ]
    write_table(run, "task.md", "Cues and actions", ["", *MEASURES.values()], rows)
    rows = [
        [ARMS[arm], *(measured(scores(parts, name), 3, bounded=True) for name in ("pays", "last"))]
        for arm, parts in bandits.items()
    ]
    rows += [
        [name, *(measured(each[part], 3, bounded=True) for part in ("pays", "last"))]
        for name, each in algorithms.items()
    ]
    write_table(run, "bandit.md", "Mean payment of the chosen arms", ["", "all pulls", "last quarter"], rows)


def _draw(tasks: Mapping[str, Sequence[Any]], bandits: Any, algorithms: Any) -> Figure:
    figure = Figure(figsize=(11, 4.0), layout="constrained")
    right, expected, pays = figure.subplots(1, 3, width_ratios=(3, 3, 2))
    for at, (arm, parts) in enumerate(tasks.items()):
        for axes, name in ((right, "hits"), (expected, "expected")):
            curve = np.mean([part[name] for part in parts], axis=0)
            axes.plot(20 * np.arange(1, len(curve) + 1), curve, color=f"C{at}", label=ARMS[arm])
    right.axhline(1 / len(ACTIONS), color="0.8", lw=1)
    right.set(xlabel="trials", ylabel="share right, blocks of 20 trials", ylim=(0, 1.03), title="right actions")
    expected.set(xlabel="trials", ylabel="expected reward (1: paid always)", title="expectation")
    figure.legend(*expected.get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize="x-small")
    values = {**{ARMS[arm]: scores(parts, "pays") for arm, parts in bandits.items()}}
    values |= {name: each["pays"] for name, each in algorithms.items()}
    pays.boxplot(list(values.values()), orientation="horizontal", widths=0.6)
    pays.set_yticks(range(1, len(values) + 1), [name.replace("control: ", "") for name in values], fontsize=6)
    pays.set(xlabel="mean payment of a pull", title="bandit, all pulls")
    return figure
