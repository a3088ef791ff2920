#include "ros_peer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Enough for a machine that is busy with other things. */
#define PATIENCE DDS_SECS(120)
#define DEPTH 10

void fail(const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(EXIT_FAILURE);
}

dds_return_t checked(dds_return_t result, const char *what)
{
  if (result < 0)
    fail("%s: %s", what, dds_strretcode(result));
  return result;
}

dds_entity_t join_domain(void)
{
  const char *domain = getenv("ROS_DOMAIN_ID");
  dds_qos_t *qos = dds_create_qos();
  dds_qset_userdata(qos, "enclave=/;", strlen("enclave=/;"));
  dds_entity_t participant = checked(
      dds_create_participant(domain ? (dds_domainid_t)strtoul(domain, NULL, 10) : 0, qos, NULL), "join the domain");
  dds_delete_qos(qos);
  return participant;
}

/* The QoS of an endpoint. */
static dds_qos_t *make_qos(enum Delivery delivery, const char *user_data)
{
  dds_qos_t *qos = dds_create_qos();
  dds_qset_reliability(qos, DDS_RELIABILITY_RELIABLE, DDS_INFINITY);
  dds_qset_history(qos, DDS_HISTORY_KEEP_LAST, delivery == LATCHED ? 1 : DEPTH);
  dds_qset_durability(qos, delivery == LATCHED ? DDS_DURABILITY_TRANSIENT_LOCAL : DDS_DURABILITY_VOLATILE);
  dds_qset_writer_data_lifecycle(qos, false);
  dds_qset_userdata(qos, user_data, strlen(user_data));
  return qos;
}

dds_entity_t create_writer(dds_entity_t participant, const dds_topic_descriptor_t *type, const char *topic,
                           enum Delivery delivery, const char *user_data)
{
  dds_qos_t *qos = make_qos(delivery, user_data);
  dds_entity_t handle = checked(dds_create_topic(participant, type, topic, NULL, NULL), topic);
  dds_entity_t writer = checked(dds_create_writer(participant, handle, qos, NULL), topic);
  checked(dds_set_status_mask(writer, DDS_PUBLICATION_MATCHED_STATUS), topic); /* what wait_for waits for */
  dds_delete_qos(qos);
  return writer;
}

dds_entity_t create_reader(dds_entity_t participant, const dds_topic_descriptor_t *type, const char *topic,
                           enum Delivery delivery, const char *user_data)
{
  dds_qos_t *qos = make_qos(delivery, user_data);
  dds_entity_t handle = checked(dds_create_topic(participant, type, topic, NULL, NULL), topic);
  dds_entity_t reader = checked(dds_create_reader(participant, handle, qos, NULL), topic);
  checked(dds_set_status_mask(reader, DDS_SUBSCRIPTION_MATCHED_STATUS), topic); /* what wait_for waits for */
  dds_delete_qos(qos);
  return reader;
}

void wait_for(dds_entity_t trigger, const char *what)
{
  dds_entity_t waitset = checked(dds_create_waitset(dds_get_participant(trigger)), "wait");
  checked(dds_waitset_attach(waitset, trigger, 0), "wait");
  if (checked(dds_waitset_wait(waitset, NULL, 0, PATIENCE), "wait") == 0)
    fail("%s: nothing within %lld s", what, (long long)(PATIENCE / DDS_NSECS_IN_SEC));
  checked(dds_delete(waitset), "wait");
}

uint32_t count_matches(dds_entity_t endpoint)
{
  dds_publication_matched_status_t readers;
  dds_subscription_matched_status_t writers;
  if (dds_get_publication_matched_status(endpoint, &readers) == DDS_RETCODE_OK)
    return readers.current_count;
  checked(dds_get_subscription_matched_status(endpoint, &writers), "count matches");
  return writers.current_count;
}

void wait_for_match(dds_entity_t endpoint, const char *what)
{
  while (count_matches(endpoint) == 0)
    wait_for(endpoint, what);
}

void *take_sample(dds_entity_t reader, dds_sample_info_t *info, const char *what)
{
  dds_entity_t has_samples = checked(dds_create_readcondition(reader, DDS_ANY_STATE), what);
  for (;;)
  {
    void *sample = NULL;
    wait_for(has_samples, what);
    if (checked(dds_take(reader, &sample, info, 1, 1), what) == 0)
      continue;
    if (info->valid_data)
    {
      checked(dds_delete(has_samples), what);
      return sample;
    }
    give_back(reader, sample); /* it only tells that a writer has gone */
  }
}

void give_back(dds_entity_t reader, void *sample)
{
  checked(dds_return_loan(reader, &sample, 1), "return a sample");
}

void write_sample(dds_entity_t writer, const void *sample)
{
  checked(dds_write(writer, sample), "write");
  checked(dds_wait_for_acks(writer, PATIENCE), "wait for acknowledgements");
}
