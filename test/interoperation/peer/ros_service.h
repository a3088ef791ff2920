/*
 * Both sides of a ROS 2 service as rmw_cyclonedds_cpp frames it: requests and answers are messages on two topics; each
 * begins with the client's number and the request's, which the answer repeats.
 */
#ifndef ROS_SERVICE_H
#define ROS_SERVICE_H

#include "messages.h"
#include "ros_peer.h"

struct ServiceEnd
{
  dds_entity_t writer, reader;
  ServiceHeader header; /* of the client's last request; the server does not use it */
};

enum Side { CLIENT, SERVER };

/* The client's or the server's end of a service with an absolute name. */
struct ServiceEnd open_service(dds_entity_t participant, enum Side side, const char *name,
                               const dds_topic_descriptor_t *request, const dds_topic_descriptor_t *response);

/* Waits until a server is there, both ways. */
void wait_for_server(const struct ServiceEnd *client);

/* Sends a request, whose struct begins with a header that this fills, and returns the lent answer to it. */
void *call_service(struct ServiceEnd *client, void *request);

/* Sends an answer, whose struct begins with a header, to the request with this header and sample info. */
void answer_request(const struct ServiceEnd *server, const ServiceHeader *header, const dds_sample_info_t *info,
                    void *response);

#endif
