import type { Model, ModelTask } from '../../../models/manifest.ts';
import { ModelStore } from '../../../models/store/model-store.ts';
import type { DoctorRow } from './row.ts';

const AREA = 'Models';

/** What a dub cannot do without, and what it can, in words people know. */
const TASKS: readonly { readonly task: ModelTask; readonly name: string; readonly required: boolean }[] = [
  { task: 'vad', name: 'finds speech', required: true },
  { task: 'recognise', name: 'recognises speech', required: true },
  { task: 'translate', name: 'translates', required: true },
  { task: 'synthesise', name: 'speaks', required: true },
  { task: 'face-track', name: 'follows faces', required: false },
];

/** One row for each task (any one model will do), then one for each model that is not installed. */
export async function modelRows(store: ModelStore = new ModelStore()): Promise<readonly DoctorRow[]> {
  const found = await Promise.all(
    store.models.map(async (model) => ({ model, status: await store.status(model.id) })),
  );
  const tasks = TASKS.map(({ task, name, required }): DoctorRow => {
    const there = found.filter(({ model, status }) => model.task === task && status.state === 'installed');
    const base = { area: AREA, name, required };
    if (there.length > 0)
      return { ...base, status: 'ok', detail: there.map(({ model }) => model.id).join(', ') };
    return { ...base, status: 'missing', detail: 'no model installed', remedy: 'npm start' };
  });
  // One that nobody can verify is refused whatever a person does, so there is nothing to advise.
  const rest = found.filter(
    ({ model, status }) =>
      status.state !== 'installed' && model.files.every(({ sha256 }) => sha256 !== undefined),
  );
  return [
    ...tasks,
    ...rest.map(({ model, status }): DoctorRow => {
      const detail = `${model.title}: ${status.reason ?? status.state}`;
      // A damaged file is worth a look; one that was never fetched only means that a better tier is not there.
      const state = status.state === 'corrupt' ? 'missing' : 'warning';
      return { area: AREA, name: model.id, status: state, detail, required: false, remedy: remedyFor(model) };
    }),
  ];
}

function remedyFor(model: Model): string {
  if (!model.commercialUse) return `LIVEDUB_ALLOW_NONCOMMERCIAL=1 livedub models pull ${model.id}`;
  return model.files.length > 0 ? `livedub models pull ${model.id}` : 'npm start';
}
