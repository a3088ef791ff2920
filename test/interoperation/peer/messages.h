/* Short names of the types that idlc makes of the ROS interfaces, of what prints them, and of the constants. */
#ifndef MESSAGES_H
#define MESSAGES_H

#include "interfaces.h"
#include "json_printers.h"
#include "json_values.h"

typedef service_Header_ ServiceHeader;
typedef std_msgs_msg_dds__String_ String;
typedef sensor_msgs_msg_dds__PointField_ PointField;
typedef sensor_msgs_msg_dds__PointCloud2_ PointCloud2;
typedef sensor_msgs_msg_dds__Image_ Image;
typedef funcgrasp_ros_msg_dds__ManoGrasp_ ManoGrasp;
typedef funcgrasp_ros_msg_dds__ContactMap_ ContactMap;
typedef funcgrasp_ros_msg_dds__GraspPlan_ GraspPlan;
typedef funcgrasp_ros_msg_dds__GraspRequest_ GraspRequest;
typedef funcgrasp_ros_srv_dds__PlanGrasp_Request_ PlanGraspRequest;
typedef funcgrasp_ros_srv_dds__PlanGrasp_Response_ PlanGraspResponse;

#define STRING_TYPE (&std_msgs_msg_dds__String__desc)
#define CLOUD_TYPE (&sensor_msgs_msg_dds__PointCloud2__desc)
#define PLAN_TYPE (&funcgrasp_ros_msg_dds__GraspPlan__desc)
#define REQUEST_TYPE (&funcgrasp_ros_srv_dds__PlanGrasp_Request__desc)
#define RESPONSE_TYPE (&funcgrasp_ros_srv_dds__PlanGrasp_Response__desc)

#define NO_CLOUD funcgrasp_ros_msg_GraspPlan_Constants_NO_CLOUD
#define NO_INSTRUCTION funcgrasp_ros_msg_GraspPlan_Constants_NO_INSTRUCTION
#define SUCCESS funcgrasp_ros_msg_GraspPlan_Constants_SUCCESS
#define NUM_PARTS funcgrasp_ros_msg_ContactMap_Constants_NUM_PARTS
#define FLOAT32 sensor_msgs_msg_PointField_Constants_FLOAT32
#define LEFT funcgrasp_ros_msg_ManoGrasp_Constants_LEFT

/* Prints a message of a package on a line of its own: PRINT("cloud", sensor_msgs_msg_PointCloud2, &cloud). */
#define PRINT(name, type, message) (begin_line(name), print_##type(message), end_line())

#endif
