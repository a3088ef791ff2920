"""The commands of `python -m embedded_ros`, in the syntax and with the output of ROS 2's own command line."""
