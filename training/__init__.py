"""Training, data and evaluation of the grasp planner."""
