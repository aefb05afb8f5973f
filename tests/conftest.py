pytest_plugins = ["lab_fixtures"]
