import type { OfferedService } from "../../lib/push/registration.ts";
import { offeredService } from "../../lib/push/push-service.ts";
import { DirectoryUnavailable } from "../../platform/directory/errors.ts";
import type { Room } from "./room.ts";

/** The push notification services of a domain; undefined if they are not known. */
export type OfferedServices = readonly OfferedService[] | undefined;

/** The push notification services of the domain; undefined while the directory cannot be reached: phones register all the same. */
export async function offeredPush({ directory, home }: Room): Promise<OfferedServices> {
  try {
    const services = await directory.pushServices(home.domain);
    return services.filter(({ isLost }) => !isLost).map(({ service }) => offeredService(service));
  } catch (error) {
    if (!(error instanceof DirectoryUnavailable)) throw error;
    return undefined;
  }
}
