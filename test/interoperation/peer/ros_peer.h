/*
 * What a DDS program needs to look like a ROS 2 node to other nodes: names of topics, QoS, user data, and waiting.
 * Whatever goes wrong ends the program with a sentence on stderr: it is a part of a test.
 */
#ifndef ROS_PEER_H
#define ROS_PEER_H

#include "dds/dds.h"

/* How messages of a topic are delivered: reliably, and the last one to late joiners too if it is latched. */
enum Delivery { VOLATILE, LATCHED };

/* The result of a DDS function, which must not be an error code. */
dds_return_t checked(dds_return_t result, const char *what);

/* Prints a sentence and ends the program. */
void fail(const char *format, ...);

/* Joins the domain that ROS_DOMAIN_ID names; CYCLONEDDS_URI says over which network. */
dds_entity_t join_domain(void);

/* Writers and readers of a DDS topic. `user_data` is what ROS nodes read from discovery; it may be empty. */
dds_entity_t create_writer(dds_entity_t participant, const dds_topic_descriptor_t *type, const char *topic,
                           enum Delivery delivery, const char *user_data);
dds_entity_t create_reader(dds_entity_t participant, const dds_topic_descriptor_t *type, const char *topic,
                           enum Delivery delivery, const char *user_data);

/* How many counterparts a writer or reader has now. */
uint32_t count_matches(dds_entity_t endpoint);

/* Waits for a condition, or until a writer or reader has got or lost a counterpart since they were last counted; `what`
   tells what did not come in time. */
void wait_for(dds_entity_t trigger, const char *what);

/* Waits until a writer or reader has a counterpart. */
void wait_for_match(dds_entity_t endpoint, const char *what);

/* Waits for the next sample, lent until it is given back. */
void *take_sample(dds_entity_t reader, dds_sample_info_t *info, const char *what);
void give_back(dds_entity_t reader, void *sample);

/* Writes a sample, and waits until those who read reliably have it. */
void write_sample(dds_entity_t writer, const void *sample);

#endif
