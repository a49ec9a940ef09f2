import { type Check, refOf } from '../check.ts';

/** EndpointSlices without a Service, or of one that has endpoints by itself. */
export const endpointSlices: Check = {
  about: 'EndpointSlices whose Service does not exist or selects pods',
  needsAll: true,
  *run(mesh) {
    for (const object of mesh.of('EndpointSlice')) {
      const name = object.metadata.labels?.['kubernetes.io/service-name'];
      if (name === undefined) continue;
      const service = mesh.get('Service', object.metadata.namespace, name);
      const path = 'metadata.labels["kubernetes.io/service-name"]';
      if (service === undefined) {
        const message = `there is no Service ${object.metadata.namespace}/${name} that these endpoints could belong to`;
        yield { code: 'LAT0650', object: refOf(object), path, message };
      } else if (Object.keys(service.spec.selector ?? {}).length > 0) {
        const message = `the Service ${name} has a selector: its pods are its endpoints, besides these`;
        yield { code: 'LAT0650', object: refOf(object), path, message };
      }
    }
  },
};
