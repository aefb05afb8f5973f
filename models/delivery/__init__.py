"""What an app developer is handed: the model, its Kotlin and Python, the proof that it is right."""
