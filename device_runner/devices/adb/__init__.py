"""Phones, emulators and network devices through adb. Nothing here starts adb on import.

A file is one concept, from the bottom up: `server` (adb's server on this host), `bounds` (how
long silence is borne), `wire` (one bounded conversation), `quoting`, `connection` (shell, push,
pull; losses named), `listing` (which devices there are, and what to tap), `profile`, `bundle`,
`storage` (our folder there), `launch` (one run), `device` (all behind `device_runner.Device`).
"""
