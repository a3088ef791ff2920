/*
 * Uses the planner node as a robot would: calls /plan_grasp before there is a cloud, with a cloud and a picture in the
 * request, and with a published cloud; gives an instruction and reads what the node publishes. Prints all it receives.
 *
 * Usage: planner_client NUM_CANDIDATES SEED
 */
#include <stdlib.h>

#include "ros_service.h"
#include "sample_inputs.h"

#define PLANS_TOPIC "rt/grasp_planner/grasps"

/* A request of zeros, but for these fields. */
static PlanGraspRequest *make_request(const char *instruction, uint16_t num_candidates, uint32_t seed)
{
  PlanGraspRequest *message = funcgrasp_ros_srv_dds__PlanGrasp_Request___alloc();
  message->request.instruction = dds_string_dup(instruction);
  message->request.num_candidates = num_candidates;
  message->request.seed = seed;
  return message;
}

/* Adds the object's cloud with this stamp in seconds, and a picture that was taken from the front. */
static void add_inputs(GraspRequest *request, int32_t stamp)
{
  fill_cloud(&request->cloud, stamp);
  request->images._buffer = sensor_msgs_msg_dds__Image___alloc();
  request->images._length = request->images._maximum = 1;
  request->images._release = true;
  fill_image(&request->images._buffer[0]);
  request->view_slots._buffer = dds_alloc(sizeof(char *));
  request->view_slots._buffer[0] = dds_string_dup("front");
  request->view_slots._length = request->view_slots._maximum = 1;
  request->view_slots._release = true;
}

/* Calls the service, prints the plan, frees the request; returns the plan's code. */
static uint16_t plan(struct ServiceEnd *client, const char *name, PlanGraspRequest *request)
{
  PlanGraspResponse *response = call_service(client, request);
  uint16_t code = response->plan.code;
  PRINT(name, funcgrasp_ros_msg_GraspPlan, &response->plan);
  give_back(client->reader, response);
  dds_sample_free(request, REQUEST_TYPE, DDS_FREE_ALL);
  return code;
}

/* The next plan that the node shows of the cloud with this stamp. */
static GraspPlan *take_plan(dds_entity_t reader, int32_t stamp)
{
  for (;;)
  {
    dds_sample_info_t info;
    GraspPlan *shown = take_sample(reader, &info, "a plan on the topic");
    if (shown->header.stamp.sec == stamp)
      return shown;
    give_back(reader, shown);
  }
}

/* Publishes the cloud and the instruction until the plan that the node shows is of this cloud. */
static GraspPlan *instruct(dds_entity_t clouds, const PointCloud2 *cloud, dds_entity_t instructions,
                           const String *instruction, dds_entity_t plans)
{
  for (;;)
  {
    dds_sample_info_t info;
    write_sample(clouds, cloud);
    write_sample(instructions, instruction);
    GraspPlan *shown = take_sample(plans, &info, "the plan of an instruction");
    if (shown->code != SUCCESS)
      fail("the instruction was refused: %s", shown->message);
    if (shown->header.stamp.sec == cloud->header.stamp.sec)
      return shown;
    give_back(plans, shown);
  }
}

/* The contact cloud of the last plan, for a reader that comes late. */
static void print_contact_cloud(dds_entity_t participant, int32_t stamp)
{
  dds_entity_t reader = create_reader(participant, CLOUD_TYPE, "rt/grasp_planner/contact_cloud", LATCHED, "");
  for (bool is_found = false; !is_found;)
  {
    dds_sample_info_t info;
    PointCloud2 *cloud = take_sample(reader, &info, "a contact cloud");
    is_found = cloud->header.stamp.sec == stamp;
    if (is_found)
      PRINT("contact cloud", sensor_msgs_msg_PointCloud2, cloud);
    give_back(reader, cloud);
  }
}

int main(int argc, char **argv)
{
  if (argc != 3)
    fail("usage: %s NUM_CANDIDATES SEED", argv[0]);
  uint16_t num_candidates = (uint16_t)strtoul(argv[1], NULL, 10);
  uint32_t seed = (uint32_t)strtoul(argv[2], NULL, 10);
  dds_entity_t participant = join_domain();
  struct ServiceEnd client = open_service(participant, CLIENT, "/plan_grasp", REQUEST_TYPE, RESPONSE_TYPE);
  dds_entity_t clouds = create_writer(participant, CLOUD_TYPE, "rt/object_cloud", VOLATILE, "");
  dds_entity_t instructions = create_writer(participant, STRING_TYPE, "rt/instruction", VOLATILE, "");
  dds_entity_t plans = create_reader(participant, PLAN_TYPE, PLANS_TOPIC, LATCHED, "");
  wait_for_server(&client);
  wait_for_match(clouds, "a reader of clouds");
  wait_for_match(instructions, "a reader of instructions");
  wait_for_match(plans, "a writer of plans");

  plan(&client, "refusal", make_request("hold it", num_candidates, seed));

  PlanGraspRequest *with_inputs = make_request("hold it \"gently\", na\xc3\xafvely", num_candidates, seed);
  add_inputs(&with_inputs->request, 1);
  plan(&client, "plan of the request's cloud", with_inputs);

  /* The node reads clouds as a sensor's, best effort: the first ones may be lost. */
  PointCloud2 *cloud = sensor_msgs_msg_dds__PointCloud2___alloc();
  fill_cloud(cloud, 2);
  do
    write_sample(clouds, cloud);
  while (plan(&client, "plan of the topic's cloud", make_request("lift it", num_candidates, seed)) == NO_CLOUD);

  /* Once a plan was shown, who comes late still gets it. */
  give_back(plans, take_plan(plans, 2));
  dds_entity_t late = create_reader(participant, PLAN_TYPE, PLANS_TOPIC, LATCHED, "");
  GraspPlan *shown = take_plan(late, 2);
  PRINT("plan for who comes late", funcgrasp_ros_msg_GraspPlan, shown);
  give_back(late, shown);

  String instruction = {.data = "hand it over"};
  cloud->header.stamp.sec = 3;
  shown = instruct(clouds, cloud, instructions, &instruction, plans);
  PRINT("plan of the instruction", funcgrasp_ros_msg_GraspPlan, shown);
  give_back(plans, shown);
  print_contact_cloud(participant, 3);
  dds_sample_free(cloud, CLOUD_TYPE, DDS_FREE_ALL);
  checked(dds_delete(participant), "leave the domain");
  return EXIT_SUCCESS;
}
