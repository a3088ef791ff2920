# Everything a newcomer types. The virtual environment lives in .venv and is made once: while its stamp is newer than
# constraints.txt and pyproject.toml no target touches the network.

VENV := .venv
PYTHON := $(VENV)/bin/python
STAMP := $(VENV)/.installed

# The stand-in for ROS 2 goes on the path only where no real rclpy is installed.
RUN = PYTHONPATH="$$($(PYTHON) -c "import importlib.util as u; print('.' if u.find_spec('rclpy') else '.:embedded_ros/site')")$${PYTHONPATH:+:$$PYTHONPATH}" $(PYTHON)

.PHONY: help setup demo planner test test-all lint clean
.DEFAULT_GOAL := help

help:
	@echo "make demo      plan two grasps of a recorded scene over ROS topics and write out/demo"
	@echo "make planner   leave the planner node running"
	@echo "make test      quick tests        make test-all  all of them"
	@echo "make lint      ruff and pyright   make clean     remove the environment and all output"

setup: $(STAMP)

$(STAMP): constraints.txt pyproject.toml
	.ci/set_up_environment scene,eval,embedded,dev
	@touch $(STAMP)

demo: $(STAMP)
	$(RUN) -m demo.run_demo

planner: $(STAMP)
	$(RUN) -m embedded_ros launch launch/planner.launch.py

test: $(STAMP)
	$(RUN) -m pytest -m "not slow"

test-all: $(STAMP)
	$(RUN) -m pytest

lint: $(STAMP)
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(VENV)/bin/pyright

clean:
	rm -rf $(VENV) out build install log *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
