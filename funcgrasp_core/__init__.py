"""Models and geometry of functional grasping; knows no ROS, no data set and no training."""
