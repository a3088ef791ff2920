# Everything a newcomer types. The virtual environment lives in .venv and is made once: while its stamp is newer than
# constraints.txt and pyproject.toml no target touches the network.

VENV := .venv
PYTHON := $(VENV)/bin/python
STAMP := $(VENV)/.installed

# True where a real ROS 2 is on Python's path; elsewhere its stand-in, embedded_ros, goes there.
HAS_ROS = $(PYTHON) -c "import rclpy" 2>/dev/null
RUN = $(HAS_ROS) || export PYTHONPATH="$(CURDIR):$(CURDIR)/embedded_ros/site$${PYTHONPATH:+:$$PYTHONPATH}"; $(PYTHON)

.PHONY: help setup demo planner docs test test-all lint clean
.DEFAULT_GOAL := help

help:
	@echo "make demo      plan two grasps of a recorded scene over ROS topics and write out/demo"
	@echo "make planner   leave the planner node running"
	@echo "make test      quick tests        make test-all  all of them"
	@echo "make docs      renew the tables of docs/ros.md and docs/training.md from the code"
	@echo "make lint      ruff and pyright   make clean     remove the environment and all output"

setup: $(STAMP)

$(STAMP): constraints.txt pyproject.toml
	.ci/set_up_environment scene,eval,embedded,qwen,train,dev
	@touch $(STAMP)

demo: $(STAMP)
	$(RUN) -m demo.run_demo

planner: $(STAMP)
	@if $(HAS_ROS); then ros2 launch launch/planner.launch.py; else \
	  $(RUN) -m embedded_ros launch launch/planner.launch.py; fi

docs: $(STAMP)
	$(RUN) docs/ros_tables.py
	$(RUN) -m bench.training_costs --write docs/training.md >/dev/null

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
