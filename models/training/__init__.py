"""Training: the plan, the crops, the supernet's trainer, its checkpoints and its probe.

Nothing is imported here; import the module by its concept: `models.training.supernet`, ...
"""
