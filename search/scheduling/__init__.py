"""Which device does what next: the loop over lanes of one profile and stations of one device."""
