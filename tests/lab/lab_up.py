"""A lab device to try commands on by hand, until Ctrl-C.

    python tests/lab/lab_up.py --abi arm64-v8a

Prints the environment to set and the serial to name; needs what the lab's tests need.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from lab_device import LabDevice
from lab_server import LabServer


def main() -> None:
    """Start a server and a device, say how to reach them, and clean up at the end."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--abi", default="x86_64", choices=("x86_64", "arm64-v8a"))
    parser.add_argument("--cpu", default="cortex-a76", help="of an arm64 one, by qemu's names")
    parser.add_argument("--old", action="store_true", help="with Android 8's shell and tools")
    arguments = parser.parse_args()
    abi = arguments.abi
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory() as folder:
        server, device = (
            LabServer(Path(folder)),
            LabDevice(Path(folder) / "phone", abi=abi, old=arguments.old, cpu=arguments.cpu),
        )
        try:
            server.start()
            device.start()
            for name, value in server.environment.items():
                print(f"export {name}={value}")
            print(f"export SERIAL={device.serial}", flush=True)
            signal.pause()
        except KeyboardInterrupt:
            pass
        finally:
            device.kill()
            server.stop()


if __name__ == "__main__":
    main()
