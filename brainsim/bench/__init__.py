"""Benchmarks: named cases that several engines run on the same work, with measures that reveal a wrong engine.

``brainsim bench`` is the command (`brainsim.bench.command`).  A *case* (`cases`) makes *trials* (`work`), an *engine*
(`engine`) runs them, `measure` times engines in turn and makes one *record* per engine and size.
"""
