/*
 * Stands in for the planner node: answers /plan_grasp with made-up plans. Prints what it receives and what it answers.
 *
 * Usage: planner_server NUM_REQUESTS
 */
#include <stdio.h>
#include <stdlib.h>

#include "ros_service.h"

#define NUM_CONTACT_POINTS 2000

static double *make_doubles(uint32_t count, double first)
{
  double *numbers = dds_alloc(count * sizeof *numbers);
  for (uint32_t i = 0; i < count; i++)
    numbers[i] = first + i / 3.0;
  return numbers;
}

static float *make_floats(uint32_t count, float first)
{
  float *numbers = dds_alloc(count * sizeof *numbers);
  for (uint32_t i = 0; i < count; i++)
    numbers[i] = first + (float)i / 3.0f;
  return numbers;
}

/* Names of growing length, so that what follows each of them is aligned in every way. */
static dds_sequence_string make_names(uint32_t count)
{
  dds_sequence_string names = {count, count, dds_alloc(count * sizeof(char *)), true};
  for (uint32_t i = 0; i < count; i++)
  {
    char name[32];
    snprintf(name, sizeof name, "term \xc2\xbd%.*s", (int)i, "0123456789");
    names._buffer[i] = dds_string_dup(name);
  }
  return names;
}

/* A grasp whose numbers all differ, and differ from those of the next rank. */
static void fill_grasp(ManoGrasp *grasp, uint32_t rank, uint32_t num_terms)
{
  for (size_t i = 0; i < 61; i++)
    grasp->mano_vector[i] = (float)rank + (float)i / 61.0f;
  grasp->side = LEFT;
  grasp->score = 1.0f / (float)(1 + rank);
  grasp->score_term_names = make_names(num_terms);
  grasp->score_term_values._length = grasp->score_term_values._maximum = num_terms;
  grasp->score_term_values._buffer = make_floats(num_terms, 0.25f);
  grasp->score_term_values._release = true;
  grasp->wrist_pose.position.x = rank + 0.1;
  grasp->wrist_pose.position.y = rank + 0.2;
  grasp->wrist_pose.position.z = rank + 0.3;
  grasp->wrist_pose.orientation.w = 1.0;
  grasp->pregrasp_pose.position.z = -(double)rank;
  grasp->pregrasp_pose.orientation.x = 1.0;
  grasp->approach_direction.z = -1.0;
  for (size_t i = 0; i < 21; i++)
  {
    grasp->joints[i].x = (double)i / 21.0;
    grasp->joints[i].y = rank;
    grasp->joints[i].z = -(double)i;
  }
}

static void fill_contact_map(ContactMap *map, const char *frame)
{
  map->header.frame_id = dds_string_dup(frame);
  map->points._length = map->points._maximum = 3 * NUM_CONTACT_POINTS;
  map->points._buffer = dds_alloc(3 * NUM_CONTACT_POINTS * sizeof *map->points._buffer);
  map->points._release = true;
  for (uint32_t i = 0; i < NUM_CONTACT_POINTS; i++)
  {
    map->points._buffer[3 * i] = (float)i / 7.0f;
    map->points._buffer[3 * i + 1] = -(float)i;
    map->points._buffer[3 * i + 2] = 0.5f;
  }
  map->probabilities._length = map->probabilities._maximum = NUM_CONTACT_POINTS * NUM_PARTS;
  map->probabilities._buffer = make_floats(NUM_CONTACT_POINTS * NUM_PARTS, 0.0f);
  map->probabilities._release = true;
}

/* The answer to a request: as many grasps as it asks for, or a refusal when it has no instruction. */
static PlanGraspResponse *make_response(const GraspRequest *request)
{
  PlanGraspResponse *response = funcgrasp_ros_srv_dds__PlanGrasp_Response___alloc();
  GraspPlan *plan = &response->plan;
  plan->header.stamp = request->cloud.header.stamp;
  plan->header.frame_id = dds_string_dup(request->cloud.header.frame_id);
  plan->instruction = dds_string_dup(request->instruction);
  if (request->instruction[0] == '\0')
  {
    plan->code = NO_INSTRUCTION;
    plan->message = dds_string_dup("The instruction is empty; say what to do with the object.");
    plan->contact_map.header.frame_id = dds_string_dup("");
    return response;
  }
  plan->code = SUCCESS;
  plan->message = dds_string_dup("");
  plan->notes = make_names(3);
  plan->grasps._length = plan->grasps._maximum = request->num_candidates;
  plan->grasps._buffer = dds_alloc(request->num_candidates * sizeof(ManoGrasp));
  plan->grasps._release = true;
  for (uint32_t rank = 0; rank < request->num_candidates; rank++)
    fill_grasp(&plan->grasps._buffer[rank], rank, request->num_candidates);
  fill_contact_map(&plan->contact_map, request->cloud.header.frame_id);
  plan->timing_names = make_names(2);
  plan->timing_seconds._length = plan->timing_seconds._maximum = 2;
  plan->timing_seconds._buffer = make_doubles(2, 0.125);
  plan->timing_seconds._release = true;
  return response;
}

int main(int argc, char **argv)
{
  if (argc != 2)
    fail("usage: %s NUM_REQUESTS", argv[0]);
  dds_entity_t participant = join_domain();
  struct ServiceEnd server = open_service(participant, SERVER, "/plan_grasp", REQUEST_TYPE, RESPONSE_TYPE);
  for (unsigned long left = strtoul(argv[1], NULL, 10); left > 0; left--)
  {
    dds_sample_info_t info;
    PlanGraspRequest *request = take_sample(server.reader, &info, "a request");
    PlanGraspResponse *response = make_response(&request->request);
    PRINT("request", funcgrasp_ros_msg_GraspRequest, &request->request);
    PRINT("answer", funcgrasp_ros_msg_GraspPlan, &response->plan);
    answer_request(&server, &request->header, &info, response);
    dds_sample_free(response, RESPONSE_TYPE, DDS_FREE_ALL);
    give_back(server.reader, request);
  }
  checked(dds_delete(participant), "leave the domain");
  return EXIT_SUCCESS;
}
