"""How candidates are chosen: space, evaluation of one candidate, study, scheduling.

Nothing is imported here, so that `--help` stays quick. Start reading at `search.life`, which
tells a search's life in order.
"""
