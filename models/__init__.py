"""What is tuned: configuration, network, weights, training, quality, export to `.pte`.

Nothing is imported here: torch takes seconds, and most commands need only a part. Import the
module by its concept: `models.config`, `models.network`, `models.export`, ...
"""
