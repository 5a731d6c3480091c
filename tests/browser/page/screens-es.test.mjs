import { everyScreen } from './screens.mjs';

everyScreen('es');
