/* SPDX-License-Identifier: MIT */
/* duet.h: the whole public interface of Duet, a portable OpenCL library that trains, judges and compares
 * generative models whose training is a game or a bargain between two networks. Each part compiles alone. */
#ifndef DUET_H
#define DUET_H

#include "duet/base.h"
#include "duet/bench.h"
#include "duet/data.h"
#include "duet/device.h"
#include "duet/doctor.h"
#include "duet/explain.h"
#include "duet/graph.h"
#include "duet/lesson.h"
#include "duet/metric.h"
#include "duet/model.h"
#include "duet/nn.h"
#include "duet/op.h"
#include "duet/plan.h"
#include "duet/ranks.h"
#include "duet/report.h"
#include "duet/run.h"
#include "duet/train.h"
#include "duet/tune.h"
#include "duet/window.h"

#endif
