import {
  bool,
  duration,
  enumOf,
  float,
  int32,
  list,
  message,
  messageType,
  string,
  stringMap,
  struct,
  timestamp,
} from './proto-json.ts'

const PACKAGE = 'google.firebase.fcm.v1'

const lightSettings = message({
  color: message({ red: float, green: float, blue: float, alpha: float }),
  light_on_duration: duration,
  light_off_duration: duration,
})

const androidNotification = message({
  title: string,
  body: string,
  icon: string,
  color: string,
  sound: string,
  tag: string,
  click_action: string,
  body_loc_key: string,
  body_loc_args: list(string),
  title_loc_key: string,
  title_loc_args: list(string),
  channel_id: string,
  ticker: string,
  sticky: bool,
  event_time: timestamp,
  local_only: bool,
  notification_priority: enumOf(
    `${PACKAGE}.AndroidNotification.NotificationPriority`,
    'PRIORITY_UNSPECIFIED',
    'PRIORITY_MIN',
    'PRIORITY_LOW',
    'PRIORITY_DEFAULT',
    'PRIORITY_HIGH',
    'PRIORITY_MAX',
  ),
  default_sound: bool,
  default_vibrate_timings: bool,
  default_light_settings: bool,
  vibrate_timings: list(duration),
  visibility: enumOf(
    `${PACKAGE}.AndroidNotification.Visibility`,
    'VISIBILITY_UNSPECIFIED',
    'PRIVATE',
    'PUBLIC',
    'SECRET',
  ),
  notification_count: int32,
  light_settings: lightSettings,
  image: string,
  bypass_proxy_notification: bool,
  proxy: enumOf(`${PACKAGE}.AndroidNotification.Proxy`, 'PROXY_UNSPECIFIED', 'ALLOW', 'DENY', 'IF_PRIORITY_LOWERED'),
})

const android = message({
  collapse_key: string,
  priority: enumOf(`${PACKAGE}.AndroidMessagePriority`, 'NORMAL', 'HIGH'),
  ttl: duration,
  restricted_package_name: string,
  data: stringMap,
  notification: androidNotification,
  fcm_options: message({ analytics_label: string }),
  direct_boot_ok: bool,
  bandwidth_constrained_ok: bool,
  restricted_satellite_ok: bool,
})

const webpush = message({
  headers: stringMap,
  data: stringMap,
  notification: struct,
  fcm_options: message({ link: string, analytics_label: string }),
})

const apns = message({
  headers: stringMap,
  payload: struct,
  live_activity_token: string,
  fcm_options: message({ analytics_label: string, image: string }),
})

/** The kinds of target a message can name: exactly one of them. */
export const TARGET_FIELDS = ['token', 'fid', 'topic', 'condition'] as const

/** The body of `POST /v1/projects/{project}/messages:send`. */
export const sendRequest = messageType({
  validate_only: bool,
  message: message(
    {
      name: string,
      data: stringMap,
      notification: message({ title: string, body: string, image: string }),
      android,
      webpush,
      apns,
      fcm_options: message({ analytics_label: string }),
      token: string,
      fid: string,
      topic: string,
      condition: string,
    },
    { name: 'target', members: TARGET_FIELDS },
  ),
})
