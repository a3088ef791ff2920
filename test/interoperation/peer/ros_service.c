#include "ros_service.h"

#include <stdio.h>
#include <string.h>

#define MAX_NAME 256
#define MAX_MATCHES 64
#define ID_KEY "clientid="

/* The user data by which a server finds the reader that belongs to a client's writer: 16 bytes, as hex numbers. */
static void format_user_data(char *text, size_t size, enum Side side, dds_entity_t participant)
{
  dds_guid_t guid;
  checked(dds_get_guid(participant, &guid), "get the participant's id");
  size_t length = (size_t)snprintf(text, size, side == CLIENT ? ID_KEY : "serviceid=");
  for (size_t i = 0; i < sizeof guid.v; i++)
    length += (size_t)snprintf(text + length, size - length, i ? ".%x" : "%x", guid.v[i]);
  snprintf(text + length, size - length, ";");
}

struct ServiceEnd open_service(dds_entity_t participant, enum Side side, const char *name,
                               const dds_topic_descriptor_t *request, const dds_topic_descriptor_t *response)
{
  char request_topic[MAX_NAME], response_topic[MAX_NAME], user_data[MAX_NAME];
  snprintf(request_topic, sizeof request_topic, "rq%sRequest", name);
  snprintf(response_topic, sizeof response_topic, "rr%sReply", name);
  format_user_data(user_data, sizeof user_data, side, participant);
  struct ServiceEnd end;
  memset(&end, 0, sizeof end);
  if (side == CLIENT)
  {
    end.reader = create_reader(participant, response, response_topic, VOLATILE, user_data);
    end.writer = create_writer(participant, request, request_topic, VOLATILE, user_data);
    checked(dds_get_instance_handle(end.writer, &end.header.client_guid), "get the client's number");
  }
  else
  {
    end.reader = create_reader(participant, request, request_topic, VOLATILE, user_data);
    end.writer = create_writer(participant, response, response_topic, VOLATILE, user_data);
  }
  return end;
}

void wait_for_server(const struct ServiceEnd *client)
{
  wait_for_match(client->writer, "a server that reads requests");
  wait_for_match(client->reader, "a server that writes answers");
}

void *call_service(struct ServiceEnd *client, void *request)
{
  dds_sample_info_t info;
  client->header.sequence_number++;
  *(ServiceHeader *)request = client->header;
  write_sample(client->writer, request);
  for (;;)
  {
    void *response = take_sample(client->reader, &info, "an answer");
    const ServiceHeader *header = response;
    if (header->client_guid == client->header.client_guid && header->sequence_number == client->header.sequence_number)
      return response;
    give_back(client->reader, response); /* the answer to another client */
  }
}

/* Copies the client's id out of the user data of an endpoint that discovery found; false if it has none. */
static bool read_client_id(dds_builtintopic_endpoint_t *endpoint, char *id, size_t size)
{
  void *data = NULL;
  size_t length = 0;
  bool found = false;
  if (endpoint == NULL)
    return false;
  if (dds_qget_userdata(endpoint->qos, &data, &length) && data != NULL)
  {
    const char *start = strstr(data, ID_KEY); /* DDS appends a zero to user data */
    size_t id_length = start ? strcspn(start, ";") : 0;
    found = id_length > 0 && id_length < size;
    if (found)
      snprintf(id, size, "%.*s", (int)id_length, start);
    dds_free(data);
  }
  dds_builtintopic_free_endpoint(endpoint);
  return found;
}

static bool has_reader_of(dds_entity_t writer, const char *wanted_id)
{
  dds_instance_handle_t readers[MAX_MATCHES];
  char id[MAX_NAME];
  int count = checked(dds_get_matched_subscriptions(writer, readers, MAX_MATCHES), "list readers");
  for (int i = 0; i < count && i < MAX_MATCHES; i++)
    if (read_client_id(dds_get_matched_subscription_data(writer, readers[i]), id, sizeof id) && !strcmp(id, wanted_id))
      return true;
  return false;
}

void answer_request(const struct ServiceEnd *server, const ServiceHeader *header, const dds_sample_info_t *info,
                    void *response)
{
  char id[MAX_NAME];
  if (!read_client_id(dds_get_matched_publication_data(server->reader, info->publication_handle), id, sizeof id))
    fail("the client does not tell its id");
  /* An answer that is written before the client's reader is discovered would be lost. */
  while (count_matches(server->writer) == 0 || !has_reader_of(server->writer, id))
    wait_for(server->writer, "the client's reader of answers");
  *(ServiceHeader *)response = *header;
  write_sample(server->writer, response);
}
